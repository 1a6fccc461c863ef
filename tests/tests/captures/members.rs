//! Memberships of shared channels: our host's users join and leave as the recorded users did, and what the peer says
//! about its own is carried out.
//!
//! Who acted is told by the system post of the same round; a membership without one was stated before, or repeats
//! what the other server said.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use causeway_tests::client::Client;
use hyper::Method;
use serde_json::json;

use crate::differences::Difference;
use crate::json::Json;
use crate::outgoing::Item;
use crate::player::{Player, text};
use crate::recording::Exchange;
use crate::sent::Sent;
use crate::shape;
use crate::stories::Feature;

/// The section of memberships.
pub const SECTION: &str = "membership_changes";

/// The most memberships in a message of a recorded server, which our host has as its default as well.
const BATCH: usize = 20;

/// How long our host may take to list the members of a channel.
const SEND_DEADLINE: Duration = Duration::from_secs(60);

/// Whose membership a system post reports, as recorded or as shown; empty if it reports none.
fn reported<'p>(kind: &str, user: &'p str, props: impl Fn(&str) -> &'p str) -> &'p str {
    match kind {
        "system_add_to_channel" => props("addedUserId"),
        "system_remove_from_channel" => props("removedUserId"),
        "system_join_channel" | "system_leave_channel" => user,
        _ => "",
    }
}

/// Whether a system post reports that somebody joined.
fn is_joining(kind: &str) -> bool {
    matches!(kind, "system_add_to_channel" | "system_join_channel")
}

/// Whose membership a recorded post reports.
fn reported_by(post: &Json) -> &str {
    let props = post.get("props");
    let of = |key: &str| props.get(key).text();
    reported(post.get("type").text(), post.get("user_id").text(), of)
}

impl Player {
    /// Whether memberships are shared with the peer in this story.
    pub fn shares_members(&self) -> bool {
        self.story.on.contains(&Feature::Memberships)
    }

    /// Whether a message has as many memberships as it may, and some of them are of our users.
    pub fn is_full(&self, exchange: &Exchange) -> bool {
        let changes = exchange.payload().get(SECTION).list();
        let mut users = changes.iter().map(|change| change.get("user_id").text());
        changes.len() >= BATCH && users.any(|user| self.is_ours(user))
    }

    /// Makes our users join and leave as a round says, in the order in which they did; returns what our host has to
    /// say of it.
    pub async fn act_memberships(&mut self, round: &[&Exchange]) -> Result<Vec<Item>> {
        let listed = round
            .iter()
            .flat_map(|exchange| exchange.payload().get(SECTION).list());
        let mut changes: Vec<&Json> = listed.collect();
        if !self.shares_members() {
            if !changes.is_empty() {
                self.differs(Difference::FixedMembers);
            }
            return Ok(Vec::new());
        }
        changes.sort_by_key(|change| change.get("change_time").integer());
        let mut theirs = Vec::new();
        for change in changes {
            if self.act_membership(round, change).await? {
                theirs.push(self.statement(change));
            }
        }
        Ok(theirs)
    }

    /// A recorded membership as our host states it.
    fn statement(&self, change: &Json) -> Item {
        let value = self.live_json(change);
        let of = |key: &str| value.get(key).text();
        Item {
            key: format!("{SECTION} {} {}", of("channel_id"), of("user_id")),
            section: SECTION,
            value: value.clone(),
            is_due: true,
        }
    }

    /// Performs the act that a membership implies; returns whether our host has to state it then.
    async fn act_membership(&mut self, round: &[&Exchange], change: &Json) -> Result<bool> {
        let part = |key: &str| change.get(key).text().to_string();
        let key = (part("channel_id"), part("user_id"));
        let is_add = change.get("is_add") == &Json::Bool(true);
        let is_ours = self.is_ours(&key.1);
        let Some(post) = self.report_of(round, &key, is_add) else {
            if !is_ours {
                self.differs(Difference::EchoesNotSent);
            } else if self.stated.get(&key) == Some(&is_add) {
                self.differs(Difference::MembershipsOnce);
            } else if !is_add {
                self.differs(Difference::MembersOfEarlierTimes);
            } else {
                self.check_stated(change).await;
                self.stated.insert(key.clone(), is_add);
                self.members.insert(key, is_add);
            }
            return Ok(false);
        };
        let by = self.session(post.get("user_id").text()).await?;
        self.change_member(&by, &key, is_add).await?;
        self.members.insert(key.clone(), is_add);
        if !is_ours {
            self.differs(Difference::ModerationStaysHere);
            return Ok(false);
        }
        self.stated.insert(key, is_add);
        Ok(true)
    }

    async fn change_member(
        &self,
        by: &Client,
        (channel, user): &(String, String),
        is_add: bool,
    ) -> Result<()> {
        let path = format!("/channels/{}/members", self.live(channel));
        if is_add {
            let body = json!({ "user_id": self.live(user) });
            by.post(&path, body).await?;
        } else {
            by.delete(&format!("{path}/{}", self.live(user))).await?;
        }
        Ok(())
    }

    /// The post of a round in which one of our people reports a membership that was not acted yet.
    fn report_of(
        &self,
        round: &[&Exchange],
        (channel, user): &(String, String),
        is_add: bool,
    ) -> Option<Json> {
        let posts = round
            .iter()
            .flat_map(|exchange| exchange.payload().get("posts").list());
        let mut reports = posts.filter(|post| {
            let kind = post.get("type").text();
            let author = post.get("user_id").text();
            reported_by(post) == user
                && post.get("channel_id").text() == channel
                && is_joining(kind) == is_add
                && self.is_ours(author)
                && !self.is_bot_of_ours(author)
                && !self.acted.contains_key(post.get("id").text())
        });
        reports.next().cloned()
    }

    /// Finds the post with which our host reported a membership that [`Self::act_memberships`] changed; returns
    /// whether there has to be one.
    pub async fn find_report(&mut self, id: &str, kind: &str, item: &Json) -> Result<bool> {
        self.acted.insert(id.to_string(), item.clone());
        if self.is_bot_of_ours(item.get("user_id").text()) {
            self.differs(Difference::NoBots);
            return Ok(false);
        }
        let user = self.live(reported_by(item));
        let path = format!(
            "/channels/{}/posts",
            self.live(item.get("channel_id").text())
        );
        let list = self.host.side.admin.get(&path).await?;
        let order = list["order"].as_array().into_iter().flatten();
        let mut posts = order.map(|id| &list["posts"][id.as_str().unwrap_or_default()]);
        let made = posts.find(|post| {
            let of = |key: &str| post["props"][key].as_str().unwrap_or_default();
            let author = post["user_id"].as_str().unwrap_or_default();
            let is_new = !self.map.values().any(|known| post["id"] == *known);
            is_new && post["type"] == kind && reported(kind, author, of) == user
        });
        let made = made.with_context(|| format!("no post of type {kind} about {user}"))?;
        self.map.insert(id.to_string(), text(made, "id"));
        Ok(true)
    }

    /// Our host has stated, or soon states, who of our side is in a channel that has just been shared.
    async fn check_stated(&mut self, change: &Json) {
        let theirs = self.statement(change);
        let begun = Instant::now();
        let ours = loop {
            let asked = self.peer.asked(0);
            let mut sent = asked.iter().filter_map(Sent::of);
            let found = sent.find_map(|sent| {
                let mut items = sent.items.into_iter();
                items.find(|item| item.key == theirs.key)
            });
            if found.is_some() || begun.elapsed() > SEND_DEADLINE {
                break found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let Some(ours) = ours else {
            return self.mismatch(format!("{} was not sent", theirs.key));
        };
        self.expect("a statement", shape::compare(&ours, &theirs), Vec::new());
    }

    /// What our side first states of a channel's members.
    fn first_statements(&self, channel: &str) -> Vec<Json> {
        let key = (self.seat, channel.to_string());
        let listed = self.world.first_members.get(&key).cloned();
        let mut listed = listed.unwrap_or_default();
        listed.retain(|change| self.is_ours(change.get("user_id").text()));
        listed
    }

    /// Makes our users members of a channel that is not shared yet; some of them leave again.
    pub async fn gather(&mut self, channel: &str) -> Result<()> {
        for change in self.first_statements(channel) {
            let user = change.get("user_id").text().to_string();
            self.join(&user, channel).await?;
            let is_add = change.get("is_add") == &Json::Bool(true);
            let key = (channel.to_string(), user);
            if !is_add {
                let admin = self.host.side.admin.clone();
                self.change_member(&admin, &key, is_add).await?;
            }
            self.members.insert(key, is_add);
        }
        Ok(())
    }

    /// A channel begins to be shared: our host lists its members of our side when it likes.
    pub fn expect_first_statements(&mut self, channel: &str) {
        if !self.shares_members() {
            return;
        }
        let mut changes = self.first_statements(channel);
        changes.retain(|change| change.get("is_add") == &Json::Bool(true));
        let keys: Vec<String> = changes.iter().map(|it| self.statement(it).key).collect();
        self.unstated.extend(keys);
    }

    /// Checks that a membership is stated only when it has changed, and when its channel begins to be shared.
    pub fn check_statement(&mut self, item: &Item, has_changed: bool) {
        if has_changed || self.unstated.remove(&item.key) {
            return;
        }
        // The people of direct channels meet in channels of a team before their story begins.
        let channel = item.value.get("channel_id").text();
        let mut places = self.world.places.keys();
        let is_aside = !self.shares_members()
            && places.any(|id| self.live(id) == channel && !self.is_direct_place(id));
        if !is_aside {
            self.mismatch(format!("{} was sent for nothing: {}", item.key, item.value));
        }
    }

    /// Compares the sizes of our host's messages with those of the recorded server, which has repetitions as well;
    /// our host states nothing twice.
    pub fn compare_batches(&mut self, round: &[&Exchange], sent: &[Sent]) {
        let items = sent.iter().flat_map(|sent| &sent.items);
        let mut known = BTreeSet::new();
        let mut repeated: Vec<&str> = items
            .filter(|item| item.section == SECTION)
            .map(|item| &*item.key)
            .collect();
        repeated.retain(|key| !known.insert(*key));
        self.expect("what is stated twice", repeated, Vec::new());
        let of = |sent: &Sent| sent.message.get(SECTION).list().len();
        let largest = sent.iter().map(of).max().unwrap_or_default();
        if round.iter().any(|exchange| self.is_full(exchange)) {
            self.expect("the largest message of memberships", largest, BATCH);
        } else if largest > BATCH {
            self.mismatch(format!("{largest} memberships in a message"));
        }
    }

    /// Compares the members whom a message of the peer names with those whom our host shows: a server decides about
    /// its own people only, and its latest statement holds.
    pub async fn check_members(&mut self, exchange: &Exchange) -> Result<()> {
        if !self.shares_members() {
            return Ok(());
        }
        let channel = exchange.channel();
        let changes = exchange.payload().get(SECTION).list();
        let mut named = BTreeMap::new();
        for change in changes {
            if change.get("channel_id").text() != channel {
                continue;
            }
            let user = change.get("user_id").text();
            let key = (channel.to_string(), user.to_string());
            let person = self.world.people.get(user);
            if person.is_some_and(|person| person.home == exchange.from) {
                self.take_statement(&key, change);
            }
            named.insert(user, self.members.get(&key).copied().unwrap_or(false));
        }
        for (user, expected) in named {
            let path = format!(
                "/channels/{}/members/{}",
                self.live(channel),
                self.live(user)
            );
            let admin = self.host.side.admin.clone();
            let answer = admin.call(Method::GET, &path, None).await?;
            let is_member = answer.status == 200;
            self.expect(&format!("whether {user} is a member"), is_member, expected);
        }
        Ok(())
    }

    fn take_statement(&mut self, key: &(String, String), change: &Json) {
        let is_add = change.get("is_add") == &Json::Bool(true);
        // If both happen in one millisecond, leaving is the later one.
        let version = (change.get("change_time").integer(), !is_add);
        let last = self.statements.get(key).copied();
        if last.is_some_and(|last| version < last) {
            self.differs(Difference::LatestMembership);
        } else if last != Some(version) {
            self.statements.insert(key.clone(), version);
            self.members.insert(key.clone(), is_add);
        }
    }
}
