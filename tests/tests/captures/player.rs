//! Plays a story of the recordings with our host in the seat of one of the two servers.
//!
//! Requests of the other server are sent to our host, with ids, tokens and URLs mapped where the
//! host has its own ([`crate::incoming`]). Requests of the seat's own server show what its users
//! did: the same is done at our host through REST and slash commands, and what the host then sends is
//! compared with the recording ([`crate::outgoing`]). A difference from the recording is
//! either listed in [`crate::differences`], and noted, or a mismatch.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use anyhow::{Context, Result, bail};
use causeway::config::sharing::Layer;
use causeway::federation::FederationSettings;
use causeway_tests::client::{Client, Events};
use causeway_tests::hosted::Hosted;
use causeway_tests::peer::{self, Answered, Peer};
use causeway_tests::scene::wait_for;
use serde_json::{Value, json};

use crate::differences::Difference;
use crate::files::File;
use crate::json::Json;
use crate::outgoing::Item;
use crate::recording::{Exchange, Set};
use crate::script::{self, For, Script};
use crate::stories::{Cue, Feature, Story};
use crate::world::World;

/// A post of the recorded server as our host should show it.
#[derive(Clone, Debug)]
pub struct Held {
    pub item: Json,
    pub text: String,
    pub version: i64,
    pub deleted: bool,
}

/// A story being played.
pub struct Player {
    pub story: &'static Story,
    /// The server that our host replaces.
    pub seat: char,
    pub world: World,
    pub host: Hosted,
    pub peer: Arc<Peer>,
    pub script: script::SharedScript,
    /// Recorded ids and tokens, and their values here. Those not listed are the same.
    pub map: BTreeMap<String, String>,
    /// Sessions of the host's users, by recorded id.
    pub sessions: BTreeMap<String, Client>,
    /// The current connection of the story, as recorded.
    pub connection: String,
    /// Channels that are shared over a connection now.
    pub shared: BTreeSet<(String, String)>,
    /// Connections that our admin has removed.
    pub removed: BTreeSet<String>,
    /// Channels whose sharing our side has ended.
    pub ended: BTreeSet<String>,
    /// Users of the peer that our host has received, by channel.
    pub told: BTreeSet<(String, String)>,
    /// Users of the peer that our host has refused, by channel.
    pub refused_users: BTreeSet<(String, String)>,
    /// Posts that our host still has to send, with the number of times for each: the
    /// peer has refused the message that contained them.
    pub owed: Vec<(Item, usize)>,
    /// Posts of the peer that our host holds.
    pub held: BTreeMap<String, Held>,
    /// Posts of our users in their last state: the recorded item.
    pub acted: BTreeMap<String, Json>,
    /// Reactions that exist: post, user, emoji, by recorded ids.
    pub reactions: BTreeSet<(String, String, String)>,
    /// Acknowledgements in force: post, user, by recorded ids.
    pub acknowledged: BTreeSet<(String, String)>,
    /// Reactions of our users that were sent to the peer once.
    pub told_reactions: BTreeSet<(String, String, String)>,
    /// Pictures of the seat's users, by recorded id.
    pub pictures: BTreeMap<String, Vec<u8>>,
    /// Profiles that our host has sent, by user and channel.
    pub sent_profiles: BTreeSet<(String, String)>,
    /// Announcements of our side's files, by recorded upload.
    pub announced: BTreeMap<String, Json>,
    /// Files of our side, by recorded id.
    pub files: BTreeMap<String, File>,
    /// The files, as recorded, that a post keeps here although the recorded one got others.
    pub kept_files: BTreeMap<String, Json>,
    /// Files, by recorded id, that our host is still to send.
    pub files_owed: Vec<String>,
    /// Bytes of the peer's files that our host has taken, by id.
    pub taken_files: BTreeMap<String, Vec<u8>>,
    /// Whether direct and group channels may be shared.
    pub direct: bool,
    /// Our users, by recorded id, whom our host is still to offer for the first time, in the order of their accounts.
    pub accounts: Vec<String>,
    /// Whether a user is a member of a channel at our host, by recorded ids.
    pub members: BTreeMap<(String, String), bool>,
    /// Our users' memberships that our host has stated.
    pub stated: BTreeMap<(String, String), bool>,
    /// Those that our host is still to state because their channel has begun to be shared, by what was sent.
    pub unstated: BTreeSet<String>,
    /// The peer's latest statements about its own users: when, and whether the user left.
    pub statements: BTreeMap<(String, String), (i64, bool)>,
    /// Open sockets of our users, by recorded id.
    pub sockets: BTreeMap<String, Events>,
    /// Users of ours, by recorded id, who have chosen a status.
    pub chosen: BTreeSet<String>,
    /// Recorded names of our users, by recorded id.
    pub names: BTreeMap<String, String>,
    /// Number of requests of our host that were examined.
    pub seen: usize,
    /// Items that our host has sent; it may send them again for its own reasons.
    pub resent: BTreeSet<String>,
    /// Exchanges that were played together with an earlier one.
    pub played: BTreeSet<String>,
    /// Invitations that our host has accepted, or tried to.
    pub accepted: usize,
    /// Number of the exchange being played.
    pub at: String,
    pub mismatches: Vec<String>,
    /// Number of comparisons made.
    pub checks: usize,
    pub seen_differences: BTreeMap<Difference, usize>,
}

/// The setting under which our host sends no statuses: they follow from the moments at which its clients act, so
/// only a story about them plays them.
fn without_statuses() -> Layer {
    let key = "MM_CONNECTEDWORKSPACESSETTINGS_DISABLESHAREDCHANNELSSTATUSSYNC";
    let off = [(key.to_string(), "true".to_string())];
    Layer::of_environment(off).expect("it is a setting")
}

impl Player {
    /// A host in one of the two seats, before the story begins.
    pub async fn new(story: &'static Story, seat: char) -> Result<Player> {
        let script = Script::new(story.set);
        let deciding = Arc::clone(&script);
        let peer = Peer::start(move |asked| {
            let mut script = deciding.lock().unwrap_or_else(PoisonError::into_inner);
            script.decide(asked)
        })
        .await?;
        let admin = if seat == 'A' { "admina" } else { "adminb" };
        let host = Hosted::start(admin, |settings| {
            settings.backfill = story.set == Set::V2021;
            if !story.on.contains(&Feature::Statuses) {
                settings.sharing.environment = without_statuses();
            }
            settings.federation = FederationSettings {
                ping_period_ms: 100,
                // One recorded answer never comes; all others come much earlier.
                send_timeout_ms: 5_000,
                ..settings.federation.clone()
            };
        })
        .await?;
        let mut player = Player {
            story,
            seat,
            world: World::of(story.set),
            host,
            peer: Arc::new(peer),
            script,
            map: BTreeMap::new(),
            sessions: BTreeMap::new(),
            connection: String::new(),
            shared: BTreeSet::new(),
            removed: BTreeSet::new(),
            ended: BTreeSet::new(),
            told: BTreeSet::new(),
            refused_users: BTreeSet::new(),
            owed: Vec::new(),
            held: BTreeMap::new(),
            acted: BTreeMap::new(),
            reactions: BTreeSet::new(),
            acknowledged: BTreeSet::new(),
            told_reactions: BTreeSet::new(),
            pictures: BTreeMap::new(),
            sent_profiles: BTreeSet::new(),
            announced: BTreeMap::new(),
            files: BTreeMap::new(),
            kept_files: BTreeMap::new(),
            files_owed: Vec::new(),
            taken_files: BTreeMap::new(),
            direct: false,
            accounts: Vec::new(),
            members: BTreeMap::new(),
            stated: BTreeMap::new(),
            unstated: BTreeSet::new(),
            statements: BTreeMap::new(),
            sockets: BTreeMap::new(),
            chosen: BTreeSet::new(),
            names: BTreeMap::new(),
            seen: 0,
            resent: BTreeSet::new(),
            played: BTreeSet::new(),
            accepted: 0,
            at: String::new(),
            mismatches: Vec::new(),
            checks: 0,
            seen_differences: BTreeMap::new(),
        };
        player.map_urls();
        player.seat_admin().await?;
        if story.on.contains(&Feature::DirectChannels) {
            player.allow_direct(true).await?;
        }
        player.switch_on().await?;
        Ok(player)
    }

    /// Maps the site URLs of the recordings to those of our host and of the peer.
    fn map_urls(&mut self) {
        let (ours, theirs) = (self.host.url().to_string(), self.peer.url());
        for (side, port) in [
            ('A', 8171),
            ('B', 8172),
            ('A', 8371),
            ('B', 8372),
            ('A', 8074),
            ('F', 8175),
        ] {
            let url = if side == self.seat { &ours } else { &theirs };
            self.map
                .insert(format!("http://127.0.0.1:{port}"), url.clone());
        }
    }

    /// Maps the administrator of the recordings to that of our host.
    async fn seat_admin(&mut self) -> Result<()> {
        let admin = self.host.side.admin.clone();
        let me = admin.get("/users/me").await?;
        let name = me["username"].as_str().unwrap_or_default();
        let seat = self.seat;
        let mut people = self.world.people.iter();
        while let Some((id, _)) =
            people.find(|(_, person)| person.home == seat && person.username == name)
        {
            self.map.insert(id.clone(), text(&me, "id"));
            self.sessions.insert(id.clone(), admin.clone());
        }
        Ok(())
    }

    /// Plays every recording of the story.
    pub async fn play(&mut self) -> Result<()> {
        for file in self.story.files {
            let exchanges = self.story.set.file(file);
            let mut rest = exchanges.as_slice();
            while let Some(first) = rest.first() {
                self.at = first.at();
                let count = if self.played.contains(&first.at()) {
                    Ok(1)
                } else if first.from == self.seat {
                    self.host_acts(rest).await
                } else {
                    self.peer_speaks(first).await.map(|()| 1)
                };
                let count = count.with_context(|| format!("at {}", first.at()))?;
                rest = rest.get(count.max(1)..).unwrap_or_default();
            }
            self.at = format!("{file}/end");
            self.check_owed().await;
            self.check_all().await?;
        }
        Ok(())
    }

    /// The cues for an exchange.
    pub fn cues(&self, exchange: &Exchange) -> Vec<&'static Cue> {
        let cues = self.story.cues.iter();
        cues.filter(|(seat, file, seq, _)| {
            *seat == self.seat && *file == exchange.file && *seq == exchange.seq
        })
        .map(|(_, _, _, cue)| cue)
        .collect()
    }

    /// Reports a mismatch.
    pub fn mismatch(&mut self, what: impl std::fmt::Display) {
        self.mismatches
            .push(format!("{} as {}: {what}", self.at, self.seat));
    }

    /// Compares two things.
    pub fn expect<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, ours: T, theirs: T) {
        self.checks += 1;
        if ours != theirs {
            self.mismatch(format!("{what}: {ours:?}, expected {theirs:?}"));
        }
    }

    /// Notes a deliberate difference.
    pub fn differs(&mut self, difference: Difference) {
        *self.seen_differences.entry(difference).or_default() += 1;
    }

    /// The value here of a recorded id, token or name.
    pub fn live(&self, recorded: &str) -> String {
        let found = self.map.get(recorded);
        found.map_or_else(|| recorded.to_string(), Clone::clone)
    }

    /// A recorded value with everything mapped to its value here.
    pub fn live_json(&self, recorded: &Json) -> Json {
        recorded.map(&|text| self.map.get(text).cloned())
    }

    /// The name of the connection at our host; the suffix of the peer's users.
    pub fn connection_name(&self) -> &'static str {
        if self.seat == 'A' { "site-b" } else { "site-a" }
    }

    /// Sends a request of the recorded server to our host, unchanged.
    pub async fn request(
        &self,
        path: &str,
        connection: &str,
        token: &str,
        body: &Json,
    ) -> Result<Answered> {
        let headers = [
            ("content-type".to_string(), "application/json".to_string()),
            ("x-remotecluster-id".to_string(), connection.to_string()),
            ("x-remotecluster-token".to_string(), token.to_string()),
        ];
        let url = format!("{}/api/v4/remotecluster/{path}", self.host.url());
        peer::send("POST", &url, &headers, body.to_string().into_bytes()).await
    }

    /// The record of a connection at our host.
    pub async fn record(&self, connection: &str) -> Result<Value> {
        let path = format!("/remotecluster/{}", self.live(connection));
        self.host.side.admin.get(&path).await
    }

    /// Waits until our host has reached the peer.
    pub async fn wait_online(&self, connection: &str) -> Result<()> {
        wait_for("the host to have pinged its peer", async || {
            let record = self.record(connection).await?;
            Ok(record["last_ping_at"].as_i64().unwrap_or_default() > 0)
        })
        .await
    }

    /// Sets how the peer answers the next request of this kind, unless that was a plain success.
    pub fn answer_as_recorded(&self, exchange: &Exchange) {
        let (topic, payload) = (exchange.topic(), exchange.payload());
        let which = For {
            endpoint: exchange.endpoint().to_string(),
            section: script::section_of(topic, payload),
            channel: self.live(exchange.payload().get("channel_id").text()),
        };
        if let Some(told) = self.recorded_answer(exchange) {
            Script::push(&self.script, which, told);
        }
    }

    /// Remembers that the peer and our host share this channel, in both directions.
    pub fn now_shared(&mut self, channel: &str) {
        let key = (self.connection.clone(), channel.to_string());
        self.shared.insert(key);
        self.ended.remove(channel);
        self.expect_first_statements(channel);
    }

    /// Ends a connection at our host, as its admin.
    pub async fn remove_connection(&mut self, connection: &str) -> Result<()> {
        let path = format!("/remotecluster/{}", self.live(connection));
        self.host.side.admin.delete(&path).await?;
        self.shared.retain(|(over, _)| over != connection);
        self.removed.insert(connection.to_string());
        Ok(())
    }

    /// Runs a slash command of the admin in a channel.
    pub async fn command(&self, channel: &str, command: &str) -> Result<String> {
        self.host.side.admin.command(channel, command).await
    }

    /// A session at our host for a user of the recordings, with the account created if necessary.
    pub async fn session(&mut self, user: &str) -> Result<Client> {
        if let Some(session) = self.sessions.get(user) {
            return Ok(session.clone());
        }
        let Some(person) = self.world.people.get(user).cloned() else {
            bail!("nobody knows the user {user}");
        };
        // Two servers of the recordings may have different users with the same name.
        let mut session = self.host.user(&person.username).await;
        if session.is_err() {
            session = self.host.user(&format!("{}2", person.username)).await;
        }
        let session = session?;
        let me = session.get("/users/me").await?;
        self.map.insert(user.to_string(), text(&me, "id"));
        self.sessions.insert(user.to_string(), session.clone());
        Ok(session)
    }

    /// Adds a user of our host to a channel.
    pub async fn join(&mut self, user: &str, channel: &str) -> Result<()> {
        self.session(user).await?;
        if self.is_direct_place(channel) {
            // Its people are in it from the beginning.
            return Ok(());
        }
        let body = json!({ "user_id": self.live(user) });
        let path = format!("/channels/{}/members", self.live(channel));
        self.host.side.admin.post(&path, body).await?;
        Ok(())
    }
}

/// A text member of an object of the API.
pub fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_string()
}
