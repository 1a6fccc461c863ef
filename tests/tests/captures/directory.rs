//! People who are offered to the peer without a channel: our host's accounts are those of the recorded server, and
//! the messages in which they are offered are compared.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::Result;
use causeway_tests::peer::Asked;
use serde_json::{Value, json};

use crate::differences::Difference;
use crate::json::Json;
use crate::outgoing::Item;
use crate::player::{Player, text};
use crate::profiles;
use crate::recording::Exchange;
use crate::sent::{Sent, times_sent};
use crate::shape;
use crate::stories::Feature;

/// The topic of messages of people who are offered.
pub const TOPIC: &str = "sharedchannel_global_user_sync";

/// How long our host may take to offer people.
const SEND_DEADLINE: Duration = Duration::from_secs(60);

/// The name of the account in whose name a recorded server speaks.
const VOICE_OF_THE_SYSTEM: &str = "system-bot";

/// A profile as it goes with a post, which is how our host offers it as well.
fn as_in_channels(profile: &Json) -> Json {
    let mut kept = Vec::new();
    for (key, value) in profile.members() {
        match &**key {
            "is_bot" => {}
            "roles" => kept.push((key.clone(), Json::from("system_user"))),
            "username" => {
                kept.push((key.clone(), value.clone()));
                // Anything: it is random.
                kept.push(("password".to_string(), Json::from("")));
            }
            _ => kept.push((key.clone(), value.clone())),
        }
    }
    let mut profile = Json::Object(kept);
    profile.remove(&profiles::KEPT_AT_HOME);
    profile
}

impl Player {
    /// Switches on what the story's features need beyond direct messages.
    pub async fn switch_on(&mut self) -> Result<()> {
        let is_on = |feature| self.story.on.contains(&feature);
        let (members, all) = (is_on(Feature::Memberships), is_on(Feature::Directory));
        if !members && !all {
            return Ok(());
        }
        let settings = json!({
            "FeatureFlags": {
                "EnableSharedChannelsMemberSync": members,
                "EnableSyncAllUsersForRemoteCluster": all,
            },
            "ConnectedWorkspacesSettings": { "SyncUsersOnConnectionOpen": all },
        });
        self.host.side.admin.put("/config/patch", settings).await?;
        if all {
            self.open_accounts().await?;
        }
        Ok(())
    }

    /// Whether a user is the system's own account on the recorded server of our seat.
    pub fn is_bot_of_ours(&self, user: &str) -> bool {
        let person = self.world.people.get(user);
        person.is_some_and(|it| it.home == self.seat && it.username == VOICE_OF_THE_SYSTEM)
    }

    /// Opens the accounts that the recorded server had when it first offered people, in their order.
    async fn open_accounts(&mut self) -> Result<()> {
        let files = self.story.files.iter();
        let exchanges = files.flat_map(|file| self.story.set.file(file));
        let offers: Vec<Exchange> = exchanges
            .filter(|it| it.from == self.seat && it.topic() == TOPIC)
            .collect();
        let begins = offers.first().map(|first| {
            let message = first.body.json().get("msg");
            message.get("create_at").integer()
        });
        let mut accounts: Vec<(i64, &str, &Json)> = Vec::new();
        for (id, profile) in offers
            .iter()
            .flat_map(|it| it.payload().get("users").members())
        {
            let made_at = profile.get("create_at").integer();
            let is_known = accounts.iter().any(|(_, known, _)| known == id);
            if begins.is_some_and(|at| made_at < at) && !is_known && !self.is_bot_of_ours(id) {
                accounts.push((made_at, id, profile));
            }
        }
        accounts.sort_unstable_by_key(|(made_at, id, _)| (*made_at, *id));
        for (_, id, profile) in accounts {
            self.act_profile(id, profile).await?;
            self.accounts.push(id.to_string());
        }
        Ok(())
    }

    /// Makes our users what the recorded server said of its own when it offered them, and compares how they are
    /// offered. Its messages follow one another; pings lie in between.
    pub async fn host_offers(&mut self, rest: &[Exchange]) -> Result<()> {
        let is_offer = |it: &&Exchange| it.from == self.seat && it.topic() == TOPIC;
        let others = rest.iter().filter(|it| it.endpoint() != "ping");
        let run: Vec<&Exchange> = others.take_while(is_offer).collect();
        let mut theirs: Vec<Vec<Item>> = Vec::new();
        for exchange in &run {
            let mut offered = Vec::new();
            for (id, profile) in exchange.payload().get("users").members() {
                if self.is_bot_of_ours(id) {
                    self.differs(Difference::NoBots);
                    continue;
                }
                self.act_profile(id, profile).await?;
                self.note_disclosures(profile);
                let value = self.live_json(&as_in_channels(profile));
                offered.push(Item {
                    key: format!("users {}", self.live(id)),
                    section: "users",
                    value,
                    is_due: true,
                });
            }
            theirs.push(offered);
        }
        let ours = self.wait_for_offers(&theirs).await;
        for asked in &ours {
            let frame = Json::parse(&asked.body).unwrap_or(Json::Null);
            self.compare_frames(&frame, rest[0].body.json());
        }
        self.compare_offers(&theirs, &ours);
        self.played.extend(run.iter().map(|it| it.at()));
        Ok(())
    }

    fn note_disclosures(&mut self, profile: &Json) {
        if profile.find("is_bot").is_some() {
            self.differs(Difference::NoBots);
        }
        if profile.find("notify_props").is_some() {
            self.differs(Difference::OfferedAsInChannels);
        }
    }

    /// Waits until our host has offered all of these people; its messages since the last time.
    async fn wait_for_offers(&mut self, theirs: &[Vec<Item>]) -> Vec<Asked> {
        let begun = Instant::now();
        loop {
            let asked = self.peer.asked(self.seen);
            let sent: Vec<Sent> = asked.iter().filter_map(Sent::of).collect();
            let mut items = theirs.iter().flatten();
            let all = items.all(|item| times_sent(&sent, item) > 0);
            if all || begun.elapsed() > SEND_DEADLINE {
                self.seen += asked.len();
                let is_sync = |asked: &Asked| Sent::of(asked).is_some();
                return asked.into_iter().filter(is_sync).collect();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Compares the people in our host's messages with those in the recorded ones.
    fn compare_offers(&mut self, theirs: &[Vec<Item>], ours: &[Asked]) {
        let ours: Vec<Sent> = ours.iter().filter_map(Sent::of).collect();
        let expected: BTreeMap<&str, &Item> = theirs
            .iter()
            .flatten()
            .map(|item| (&*item.key, item))
            .collect();
        let mut offered = BTreeSet::new();
        let mut order = Vec::new();
        for item in ours.iter().flat_map(|sent| &sent.items) {
            order.push(item.value.get("id").text().to_string());
            if !offered.insert(&*item.key) {
                self.mismatch(format!("{} was offered twice", item.key));
            }
            let Some(recorded) = expected.get(&*item.key) else {
                self.mismatch(format!("{} was offered for nothing", item.key));
                continue;
            };
            for difference in shape::compare(item, recorded) {
                self.mismatch(format!("{}: {difference}", item.key));
            }
        }
        let known: BTreeSet<&str> = expected.keys().copied().collect();
        self.expect("who is offered", offered, known);
        let sizes: Vec<usize> = ours.iter().map(|sent| sent.items.len()).collect();
        let recorded: Vec<usize> = theirs.iter().map(Vec::len).collect();
        let accounts = std::mem::take(&mut self.accounts);
        if accounts.is_empty() {
            // Each of them was offered when it changed.
            self.differs(Difference::OfferedAtOnce);
            return self.expect("sizes of later messages", sizes, vec![1; expected.len()]);
        }
        self.expect("sizes of messages", sizes, recorded);
        let people = |items: &[Item]| -> BTreeSet<String> {
            items.iter().map(|item| item.key.clone()).collect()
        };
        let together = ours.iter().map(|sent| people(&sent.items));
        if together.ne(theirs.iter().map(|items| people(items))) {
            self.differs(Difference::OfferedInOrderOfAccounts);
        }
        let accounts: Vec<String> = accounts.iter().map(|id| self.live(id)).collect();
        self.expect("the order of people", order, accounts);
    }

    /// People whom the peer offers are here, and members of nothing through that.
    pub async fn check_offered(&mut self, exchange: &Exchange) -> Result<()> {
        if exchange.topic() != TOPIC {
            return Ok(());
        }
        for (id, _) in exchange.payload().get("users").members() {
            let path = format!("/users/{}", self.live(id));
            let admin = self.host.side.admin.clone();
            let user = admin.get(&path).await?;
            let name = text(&user, "username");
            let suffix = format!(":{}", self.connection_name());
            self.expect("a name of the peer", name.ends_with(&suffix), true);
            let teams = admin.get(&format!("{path}/teams")).await?;
            self.expect("teams", teams, Value::Array(Vec::new()));
        }
        Ok(())
    }
}
