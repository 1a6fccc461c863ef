//! How such a server sends: one loop, tasks two seconds after the first change of a channel, one
//! message at a time, and the effect of an answer on the cursors. Semantics §5.1 to §5.9.

use std::collections::VecDeque;

use causeway_kernel::rows::id::Id;
use serde_json::{Value, json};

use super::quirks::{Generation, Quirk};
use super::rows::Cursor;
use super::{Made, Server};
use crate::frames::Item;

/// Delay of a task, in ms.
const DELAY_MS: i64 = 2_000;
/// Pause between two attempts while a full batch is waiting, in ms. Real servers make it shorter.
const HOT_MS: i64 = 300;
/// Retries of a refused post.
const RESENDS_MAX: u32 = 4;
/// How long a peer counts as online after a successful ping, in ms.
const ONLINE_MS: i64 = 300_000;

/// The subject of a task: a channel, or one refused post of it.
pub type TaskKey = (Id, Option<Id>);

/// A task of the loop.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    start_ms: i64,
    made: u64,
    resends: u32,
}

/// A part of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The offer of a channel.
    Invite,
    /// Profiles.
    Users,
    /// The announcement of a file, and its bytes.
    Upload(Id),
    /// Memberships up to this time.
    Members(i64),
    /// Posts.
    Posts,
    /// One refused post, with the number of sends so far.
    Resend(Id, u32),
    /// Anything that moves no cursor.
    Other,
}

/// A message.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Its section.
    pub section: Section,
    /// The channel.
    pub channel: Id,
    /// Its payload.
    pub payload: Value,
    /// Its items, each with its state in the records of debts.
    pub items: Vec<(Item, u64)>,
}

/// A synchronisation in progress.
pub struct Round {
    /// The channel.
    pub channel: Id,
    /// The messages still to be sent.
    pub messages: VecDeque<Outgoing>,
    /// Position of the create cursor once the posts are delivered.
    pub created: Cursor,
    /// The same for the update cursor.
    pub updated: Cursor,
    /// Whether the cursors move: no message of posts has failed.
    pub moves: bool,
    /// Whether another round follows at once.
    pub repeats: bool,
}

/// The result of a request.
#[derive(Clone, Debug)]
pub enum Fared {
    /// An answer with 200.
    Answered(Vec<u8>),
    /// Anything else.
    Failed,
}

impl Server {
    /// Whether the peer counts as online.
    #[must_use]
    pub fn is_online(&self, now_ms: i64) -> bool {
        let pinged = self.rows.pinged_at;
        pinged.is_some_and(|at_ms| at_ms > now_ms - ONLINE_MS)
    }

    /// Whether the next ping carries a token that is no longer valid.
    pub fn pings_with_dead_token(&mut self) -> bool {
        let is_dead = !self.has_pinged && self.is(Generation::Of11);
        self.has_pinged = true;
        if is_dead {
            self.show_quirk(Quirk::FirstPingRefused);
        }
        is_dead
    }

    /// The peer was restored from a backup: it is unknown what it still has, even of a message
    /// that it may have answered already.
    pub fn peer_forgot(&mut self) {
        self.debts.forget();
        if let Some(message) = &mut self.in_flight {
            message.items.clear();
        }
    }

    /// The peer set aside these items of the message in flight: it does not have them.
    pub fn was_set_aside(&mut self, is_aside: impl Fn(&Item) -> bool) {
        if let Some(message) = &mut self.in_flight {
            message.items.retain(|(item, _)| !is_aside(item));
        }
    }

    /// A ping was answered.
    pub fn pinged(&mut self, now_ms: i64) {
        let is_news = !self.is_online(now_ms);
        let was_ever = self.rows.pinged_at.replace(now_ms).is_some();
        if !is_news {
            return;
        }
        if was_ever {
            self.show_quirk(Quirk::ForcedSync);
        }
        for channel in self.shared() {
            let is_confirmed = self
                .rows
                .share(&channel)
                .is_some_and(|share| share.is_confirmed);
            if is_confirmed {
                self.task((channel, None), now_ms + DELAY_MS, 0);
            } else {
                self.send_invite(now_ms, channel);
            }
        }
        self.pump(now_ms);
    }

    /// Schedules a synchronisation after a change in a channel.
    pub(super) fn news(&mut self, now_ms: i64, channel: Id) {
        if self
            .rows
            .share(&channel)
            .is_some_and(|share| share.is_confirmed)
        {
            self.task((channel, None), now_ms + DELAY_MS, 0);
        }
    }

    fn task(&mut self, key: TaskKey, start_ms: i64, resends: u32) {
        self.tasks_made += 1;
        let made = self.tasks_made;
        let task = Task {
            start_ms,
            made,
            resends,
        };
        self.tasks.entry(key).or_insert(task);
    }

    /// When it has to be woken, in ms of simulation time.
    #[must_use]
    pub fn wakes_at(&self) -> Option<i64> {
        let waits = self.in_flight.is_some() || self.round.is_some();
        let first = self.tasks.values().map(|task| task.start_ms).min();
        first.filter(|_| !waits)
    }

    /// Offers a channel.
    pub(crate) fn offer(&mut self, now_ms: i64, channel: Id) {
        let mut share = self.new_share(self.clock_ms(now_ms));
        share.is_confirmed = false;
        if let Some(row) = self.channel_mut(&channel) {
            row.share = Some(share);
        }
        if self.is_online(now_ms) {
            self.send_invite(now_ms, channel);
        }
    }

    fn send_invite(&mut self, now_ms: i64, channel: Id) {
        let Some(row) = self.rows.channels.get(&channel) else {
            return;
        };
        let mut payload = json!({
            "channel_id": channel.as_str(),
            "team_id": "",
            "read_only": false,
            "name": row.name,
            "display_name": row.name,
            "header": "",
            "purpose": "",
            "type": "O",
            "direct_participant_ids": null,
        });
        if self.is(Generation::Of11) {
            payload["creator_id"] = json!("");
            payload["direct_participants"] = Value::Null;
        }
        self.outbox.push_back(Outgoing {
            section: Section::Invite,
            channel,
            payload,
            items: Vec::new(),
        });
        self.pump(now_ms);
    }

    /// Runs the loop.
    pub fn wake(&mut self, now_ms: i64) {
        if self.round.is_some() || self.in_flight.is_some() {
            return;
        }
        let ready = self
            .tasks
            .iter()
            .filter(|(_, task)| task.start_ms <= now_ms);
        let Some((key, task)) = ready.min_by_key(|(_, task)| task.made) else {
            return;
        };
        let (key, task) = (*key, *task);
        self.tasks.remove(&key);
        self.round = match key {
            (channel, None) => self.collect(now_ms, channel),
            (channel, Some(post)) => self.again(channel, post, task.resends),
        };
        self.go_on(now_ms);
    }

    /// A round with a single refused post.
    fn again(&mut self, channel: Id, post: Id, resends: u32) -> Option<Round> {
        let share = self.rows.share(&channel)?.clone();
        let row = self.rows.posts.get(&post)?.clone();
        self.show_quirk(Quirk::RetriesRefusedPosts);
        let mut message = self.posts_message(channel, &[(post, row)]);
        message.section = Section::Resend(post, resends);
        if let Some(payload) = message.payload.as_object_mut() {
            payload.remove("mention_transforms");
        }
        Some(Round {
            channel,
            messages: [message].into(),
            created: share.created,
            updated: share.updated,
            moves: false,
            repeats: false,
        })
    }

    /// Sends the next message of the round, or ends it.
    fn go_on(&mut self, now_ms: i64) {
        let Some(mut round) = self.round.take() else {
            return;
        };
        if let Some(message) = round.messages.pop_front() {
            self.outbox.push_back(message);
            self.round = Some(round);
            self.pump(now_ms);
            return;
        }
        let is_shared = self.rows.share(&round.channel).is_some();
        if round.moves {
            let cursors = (round.created, round.updated);
            self.move_cursors(round.channel, cursors);
        } else if round.repeats {
            self.show_quirk(Quirk::RetriesWithoutPause);
        }
        if round.repeats && is_shared {
            self.task((round.channel, None), now_ms + HOT_MS, 0);
        }
    }

    fn move_cursors(&mut self, channel: Id, (created, updated): (Cursor, Cursor)) {
        let share = self
            .channel_mut(&channel)
            .and_then(|row| row.share.as_mut());
        if let Some(share) = share {
            share.created = created;
            share.updated = updated;
        }
    }

    /// Sends the first message in the queue, if none is in flight.
    fn pump(&mut self, now_ms: i64) {
        if self.in_flight.is_some() {
            return;
        }
        let Some(message) = self.outbox.pop_front() else {
            return;
        };
        let topic = match message.section {
            Section::Invite => "sharedchannel_invite",
            Section::Upload(_) => "sharedchannel_upload",
            _ => "sharedchannel_sync",
        };
        if matches!(message.section, Section::Posts | Section::Resend(..)) {
            for (post, state) in &message.items {
                self.debts.post_sent(post, *state);
            }
        }
        let at_ms = self.clock_ms(now_ms);
        self.out = Some(self.envelope(topic, at_ms, &message.payload));
        self.in_flight = Some(message);
    }

    /// Handles the result of a request.
    pub fn fared(&mut self, now_ms: i64, fared: &Fared) {
        let Some(message) = self.in_flight.take() else {
            return;
        };
        if matches!(message.section, Section::Upload(_)) {
            return self.upload_fared(now_ms, message, fared);
        }
        let answer = match fared {
            Fared::Answered(bytes) => serde_json::from_slice::<Value>(bytes).ok(),
            Fared::Failed => None,
        };
        let answer = answer.filter(|answer| answer.get("payload").is_some());
        match (message.section, answer) {
            (Section::Invite, answer) => self.invite_fared(now_ms, &message, answer.as_ref()),
            (_, Some(answer)) => self.answered(now_ms, &message, &answer),
            (_, None) => self.failed(&message),
        }
        let is_of_round = message.section != Section::Invite;
        if is_of_round {
            self.go_on(now_ms);
        }
        self.pump(now_ms);
    }

    /// A file was sent, or was not: the round goes on in either case.
    pub(super) fn after_upload(&mut self, now_ms: i64) {
        self.go_on(now_ms);
        self.pump(now_ms);
    }

    fn invite_fared(&mut self, now_ms: i64, message: &Outgoing, answer: Option<&Value>) {
        let channel = message.channel;
        let is_ok = answer.is_some_and(|answer| answer["status"] == "OK");
        let at_ms = self.clock_ms(now_ms);
        let mut share = self.new_share(at_ms);
        share.is_confirmed = is_ok;
        let Some(row) = self.channel_mut(&channel) else {
            return;
        };
        if row.share.is_none() {
            return;
        }
        row.share = is_ok.then_some(share);
        if is_ok {
            self.made.push(Made::Began(channel));
            self.show_quirk(Quirk::NullPayload);
            if self.is(Generation::Of2021) {
                self.show_quirk(Quirk::SendsHistory);
            }
            self.task((channel, None), now_ms + DELAY_MS, 0);
        }
    }

    /// A send failed: only the cursor records that.
    fn failed(&mut self, message: &Outgoing) {
        if message.section == Section::Posts {
            self.show_quirk(Quirk::StuckUntilNews);
            if let Some(round) = &mut self.round {
                round.moves = false;
            }
        }
    }

    fn answered(&mut self, now_ms: i64, message: &Outgoing, answer: &Value) {
        let channel = message.channel;
        let is_ok = answer["status"] == "OK";
        let error = answer["err"].as_str().unwrap_or_default();
        if !is_ok && self.is(Generation::Of11) && error.contains("channel is no longer shared") {
            self.show_quirk(Quirk::EndsSharing);
            if let Some(round) = &mut self.round {
                round.moves = false;
            }
            let text = "This channel is no longer shared.".to_string();
            let author = (channel, self.admin);
            self.write(now_ms, author, None, ("system_generic", None), text);
            self.end_share(channel);
            return;
        }
        if !is_ok {
            self.show_quirk(Quirk::FailIsDelivery);
        }
        let payload = &answer["payload"];
        if is_ok && payload.is_object() {
            for (item, state) in &message.items {
                if self.makes_sense(item) {
                    self.debts.offered(item, *state);
                    self.debts.post_told(item, *state);
                }
            }
        }
        let list = |key: &str| -> Vec<Id> {
            let list = payload[key].as_array().into_iter().flatten();
            list.filter_map(|id| Id::parse(id.as_str()?)).collect()
        };
        match message.section {
            Section::Users => {
                for user in list("users_syncd") {
                    let update_at = self.rows.users.get(&user).map_or(0, |row| row.update_at);
                    let synced = self.rows.synced.entry((user, channel)).or_insert(0);
                    *synced = (*synced).max(update_at);
                }
            }
            Section::Members(newest) => {
                let share = self
                    .channel_mut(&channel)
                    .and_then(|row| row.share.as_mut());
                if let Some(share) = share {
                    share.members_at = share.members_at.max(newest);
                }
            }
            Section::Posts => {
                for post in list("post_errors") {
                    self.task((channel, Some(post)), now_ms, 1);
                }
            }
            Section::Resend(post, times) => {
                if times < RESENDS_MAX && list("post_errors").contains(&post) {
                    self.task((channel, Some(post)), now_ms + 40, times + 1);
                }
            }
            Section::Invite | Section::Upload(_) | Section::Other => {}
        }
    }
}

impl Server {
    /// Whether the peer knows what an item belongs to: its author, the root of its thread, the
    /// post that it reacts to. If an earlier section of the round has failed, it does not.
    fn makes_sense(&self, item: &Item) -> bool {
        let is_held = |item: Item| self.debts.was_offered(&item);
        let is_post_held = |id: &Id| {
            let post = self.rows.posts.get(id);
            post.is_some_and(|post| post.is_remote) || is_held(Item::Post(id.to_string()))
        };
        let is_user_held = |id: &str| is_held(Item::User(id.to_string()));
        match item {
            Item::User(_) => true,
            Item::Post(id) => {
                let post = Id::parse(id).and_then(|id| self.rows.posts.get(&id));
                post.is_some_and(|post| {
                    let root = post.root;
                    is_user_held(post.user.as_str()) && root.is_none_or(|root| is_post_held(&root))
                })
            }
            Item::Reaction(post, user, _) => {
                Id::parse(post).is_some_and(|post| is_post_held(&post)) && is_user_held(user)
            }
        }
    }
}
