//! How such a server handles a request. Semantics §6 and §8.4.

use causeway_kernel::model::{CUSTOM_STATUS, Priority, PriorityLevel};
use causeway_kernel::rows::id::Id;
use serde_json::{Value, json};

use super::quirks::{Generation, Quirk};
use super::rows::{ChannelRow, PostRow, ReactionRow, Share, UserRow};
use super::{Made, Server};
use crate::frames::ACKNOWLEDGED;

/// How many suffixes are tried for a taken name.
const SUFFIXES: u32 = 25;

/// The answer to a request: status and body.
pub type Answer = (u16, Vec<u8>);

/// The outcome for an item.
type Taken = Result<(), ()>;

pub(super) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn time(value: &Value, key: &str) -> i64 {
    value[key].as_i64().unwrap_or_default()
}

pub(super) fn id(value: &Value, key: &str) -> Option<Id> {
    Id::parse(text(value, key))
}

impl Server {
    /// Carries out a message. There is no transaction: a process that dies meanwhile has carried out
    /// `items_max` of its items, and sends no answer.
    pub fn receive(&mut self, now_ms: i64, frame: &[u8], items_max: usize) -> Answer {
        let Ok(frame) = serde_json::from_slice::<Value>(frame) else {
            return (400, b"{}".to_vec());
        };
        let message = &frame["msg"];
        if id(&frame, "remote_id") != Some(self.remote_id) || message["payload"].is_null() {
            return (400, b"{}".to_vec());
        }
        let payload = &message["payload"];
        match text(message, "topic") {
            "sharedchannel_sync" => self.take_sync(now_ms, payload, items_max),
            "sharedchannel_invite" => self.take_invite(now_ms, payload),
            "sharedchannel_upload" => self.take_upload(now_ms, payload),
            _ => (200, Self::answer("OK", "", &Value::Null)),
        }
    }

    pub(super) fn fail(error: &str) -> Answer {
        (200, Self::answer("FAIL", error, &Value::Null))
    }

    fn take_invite(&mut self, now_ms: i64, invite: &Value) -> Answer {
        let at_ms = self.clock_ms(now_ms);
        let Some(channel) = id(invite, "channel_id") else {
            return Self::fail("invalid channel invite");
        };
        // The feature is off at these servers.
        if matches!(text(invite, "type"), "D" | "G") {
            return Self::fail("Cannot create a direct channel with a remote user");
        }
        let name = text(invite, "name").to_string();
        let share = self.new_share(at_ms);
        match self.rows.channels.get_mut(&channel) {
            Some(row) if row.share.is_some() => {}
            // The soft-deleted sharing is restored; a channel of its own is not the peer's.
            Some(row) if !row.is_home => {
                row.share = Some(share);
                self.made.push(Made::Began(channel));
            }
            Some(_) => return Self::fail("channel already exists"),
            None => {
                let mut rows = self.rows.channels.values();
                if rows.any(|row| row.name == name) {
                    return Self::fail("A channel with that name already exists on the same team.");
                }
                let row = ChannelRow {
                    name,
                    is_home: false,
                    share: Some(share),
                    members: [self.admin].into(),
                    events: [(self.admin, (at_ms, true))].into(),
                };
                self.rows.channels.insert(channel, row);
                self.made.push(Made::Began(channel));
                let admin = &self.rows.users[&self.admin].username;
                let text = format!("{admin} joined the channel.");
                let author = (channel, self.admin);
                let kind = "system_join_channel";
                self.write(now_ms, author, None, (kind, None), text);
            }
        }
        self.show_quirk(Quirk::NullPayload);
        (200, Self::answer("OK", "", &Value::Null))
    }

    /// A sharing that begins now, or at the beginning if history is sent.
    pub(super) fn new_share(&self, at_ms: i64) -> Share {
        let now = (at_ms, String::new());
        let updated = match self.generation {
            Generation::Of2021 => (0, String::new()),
            Generation::Of11 => now.clone(),
        };
        Share {
            is_confirmed: true,
            created: now,
            updated,
            members_at: 0,
        }
    }

    fn take_sync(&mut self, now_ms: i64, message: &Value, items_max: usize) -> Answer {
        let Some(channel) = id(message, "channel_id") else {
            return (200, Self::answer("OK", "", &Value::Null));
        };
        let Some(row) = self.rows.channels.get(&channel) else {
            return Self::fail("channel not found processing sync message");
        };
        if row.share.is_none() {
            match self.generation {
                Generation::Of2021 => self.show_quirk(Quirk::TakesUnshared),
                Generation::Of11 => {
                    return Self::fail(&format!(
                        "cannot process sync message; channel is no longer shared: {channel}"
                    ));
                }
            }
        }
        if self.ignores_members(message) {
            return (200, Self::answer("OK", "", &Value::Null));
        }
        let mut left = items_max;
        let mut goes_on = || {
            left = left.saturating_sub(1);
            left > 0
        };
        let mut synced = Vec::new();
        for (_, user) in message["users"].as_object().into_iter().flatten() {
            if goes_on() && self.take_user(now_ms, channel, user).is_ok() {
                synced.push(text(user, "id").to_string());
            }
        }
        let mut post_errors = Vec::new();
        let transforms = &message["mention_transforms"];
        for post in message["posts"].as_array().into_iter().flatten() {
            if goes_on() && self.take_post(now_ms, channel, post, transforms).is_err() {
                post_errors.push(text(post, "id").to_string());
            }
        }
        for reaction in message["reactions"].as_array().into_iter().flatten() {
            if goes_on() {
                // Failures of reactions are not reported.
                let _ = self.take_reaction(now_ms, channel, reaction);
            }
        }
        let mut acknowledgement_errors = Vec::new();
        for wire in message["acknowledgements"].as_array().into_iter().flatten() {
            let is_known = self.is(Generation::Of11);
            if is_known && goes_on() && self.take_acknowledgement(now_ms, channel, wire).is_err() {
                acknowledgement_errors.push(text(wire, "post_id").to_string());
            }
        }
        for wire in message["membership_changes"]
            .as_array()
            .into_iter()
            .flatten()
        {
            if self.with_members && goes_on() {
                // Failures are not reported.
                let _ = self.take_membership(now_ms, channel, wire);
            }
        }
        let payload = json!({
            "users_last_update_at": 0,
            "user_errors": [],
            "users_syncd": synced,
            "posts_last_update_at": 0,
            "post_errors": post_errors,
            "reactions_last_update_at": 0,
            "reaction_errors": [],
            "acknowledgement_errors": acknowledgement_errors,
        });
        (200, Self::answer("OK", "", &payload))
    }

    /// Whether a message has nothing but memberships, which are not shared here.
    fn ignores_members(&self, message: &Value) -> bool {
        let others = ["users", "posts", "reactions"];
        !self.with_members
            && self.is(Generation::Of11)
            && !message["membership_changes"].is_null()
            && others.iter().all(|section| message[section].is_null())
    }

    /// The last to arrive wins; only the peer's users may join and leave.
    fn take_membership(&mut self, now_ms: i64, channel: Id, wire: &Value) -> Taken {
        let user = id(wire, "user_id").ok_or(())?;
        if !self.rows.users.get(&user).ok_or(())?.is_remote {
            return Err(());
        }
        let at_ms = self.clock_ms(now_ms);
        let row = self.channel_mut(&channel).ok_or(())?;
        let is_add = wire["is_add"] == true;
        let changes = if is_add {
            row.members.insert(user)
        } else {
            row.members.remove(&user)
        };
        if changes {
            row.events.insert(user, (at_ms, is_add));
            self.news(now_ms, channel);
        }
        Ok(())
    }

    fn take_user(&mut self, now_ms: i64, channel: Id, wire: &Value) -> Taken {
        let user = id(wire, "id").ok_or(())?;
        let at_ms = self.clock_ms(now_ms);
        let told = text(wire, "username");
        let known = self.rows.users.get(&user).cloned();
        let row = match known {
            Some(row) if !row.is_remote && self.is(Generation::Of11) => return Err(()),
            Some(row) => {
                if !row.is_remote {
                    self.show_quirk(Quirk::ChecksNoOwnership);
                }
                let username = (0..SUFFIXES)
                    .map(|suffix| self.munged(told, suffix))
                    .find(|name| self.rows.named(name).is_none_or(|holder| holder == user))
                    .ok_or(())?;
                let remote_username = if told.contains(':') {
                    row.remote_username
                } else {
                    told.to_string()
                };
                UserRow {
                    username,
                    remote_username,
                    update_at: at_ms,
                    ..row
                }
            }
            None => {
                let username = self.munged(told, 0);
                if self.rows.named(&username).is_some() {
                    self.show_quirk(Quirk::RefusesTakenNames);
                    return Err(());
                }
                let create_at = time(wire, "create_at");
                UserRow {
                    username,
                    nickname: String::new(),
                    custom_status: String::new(),
                    create_at,
                    update_at: create_at,
                    is_remote: true,
                    remote_username: told.to_string(),
                    told_version: 0,
                }
            }
        };
        let row = UserRow {
            nickname: text(wire, "nickname").to_string(),
            custom_status: text(&wire["props"], CUSTOM_STATUS).to_string(),
            told_version: time(wire, "update_at"),
            ..row
        };
        self.rows.users.insert(user, row);
        if let Some(channel) = self.channel_mut(&channel)
            && channel.members.insert(user)
        {
            channel.events.insert(user, (at_ms, true));
        }
        Ok(())
    }

    /// The name of a peer's user here (§7). Names in this world are short: nothing is cut off.
    fn munged(&self, told: &str, suffix: u32) -> String {
        let (name, connection) = match told.split_once(':') {
            Some((name, rest)) => (name, rest.replace(':', "")),
            None => (told, self.peer.clone()),
        };
        let sign = match self.generation {
            Generation::Of2021 => '~',
            Generation::Of11 => '-',
        };
        match suffix {
            0 => format!("{name}:{connection}"),
            _ => format!("{name}{sign}{}:{connection}", suffix + 1),
        }
    }

    fn take_post(&mut self, now_ms: i64, channel: Id, wire: &Value, transforms: &Value) -> Taken {
        let post = id(wire, "id").ok_or(())?;
        if id(wire, "channel_id") != Some(channel) {
            return Err(());
        }
        let message = self.received_text(text(wire, "message"), transforms);
        match self.rows.posts.get(&post).cloned() {
            None => self.create_post(now_ms, channel, post, wire, message),
            Some(row) if row.channel != channel => Err(()),
            Some(row) if time(wire, "delete_at") > 0 => {
                if row.delete_at != 0 {
                    return Err(());
                }
                self.unowned(&row);
                self.delete(now_ms, post);
                Ok(())
            }
            Some(row) => self.update_post(now_ms, (post, row), wire, message),
        }
    }

    fn unowned(&mut self, row: &PostRow) {
        if !row.is_remote {
            self.show_quirk(Quirk::ChecksNoOwnership);
        }
    }

    fn create_post(
        &mut self,
        now_ms: i64,
        channel: Id,
        post: Id,
        wire: &Value,
        message: String,
    ) -> Taken {
        let user = id(wire, "user_id").ok_or(())?;
        let author = self.rows.users.get(&user).ok_or(())?;
        if !author.is_remote && self.is(Generation::Of11) {
            return Err(());
        }
        let root = id(wire, "root_id");
        if let Some(root) = root {
            let row = self.rows.posts.get(&root).ok_or(())?;
            if row.channel != channel || row.root.is_some() || row.delete_at != 0 {
                return Err(());
            }
        }
        let create_at = time(wire, "create_at");
        let priority = self.priority(wire);
        if priority.is_some_and(|it| it.persistent_notifications)
            && !self.mentions_somebody(&message)
        {
            return Err(());
        }
        let row = PostRow {
            user,
            channel,
            root,
            message,
            kind: text(wire, "type").to_string(),
            create_at,
            update_at: create_at,
            edit_at: time(wire, "edit_at"),
            delete_at: time(wire, "delete_at"),
            is_pinned: wire["is_pinned"] == true,
            priority,
            files: self.link(post, wire),
            is_remote: true,
        };
        self.put_post(post, row);
        if let Some(root) = root {
            self.touch_post(root, create_at);
        }
        self.news(now_ms, channel);
        Ok(())
    }

    fn update_post(
        &mut self,
        now_ms: i64,
        (post, mut row): (Id, PostRow),
        wire: &Value,
        message: String,
    ) -> Taken {
        let is_new = time(wire, "edit_at") > row.edit_at || row.message != message;
        // The 11 line treats every delivery as an update, as each has metadata.
        if !is_new && self.is(Generation::Of2021) {
            if row.is_pinned != (wire["is_pinned"] == true) {
                self.show_quirk(Quirk::IgnoresPins);
            }
            self.ignores_files(&row, wire);
            return Ok(());
        }
        if row.delete_at != 0 || row.kind.starts_with("system_") {
            return Err(());
        }
        self.unowned(&row);
        if !is_new {
            self.show_quirk(Quirk::EditsOnRedelivery);
        }
        let at_ms = self.clock_ms(now_ms);
        if row.message != message {
            row.edit_at = at_ms;
        }
        row.message = message;
        row.is_pinned = wire["is_pinned"] == true;
        row.priority = self.priority(wire).or(row.priority);
        row.files = self.link(post, wire);
        row.update_at = at_ms;
        let channel = row.channel;
        self.put_post(post, row);
        self.news(now_ms, channel);
        Ok(())
    }

    fn take_reaction(&mut self, now_ms: i64, channel: Id, wire: &Value) -> Taken {
        let (post, user) = (
            id(wire, "post_id").ok_or(())?,
            id(wire, "user_id").ok_or(())?,
        );
        let key = (post, user, text(wire, "emoji_name").to_string());
        let row = self.rows.posts.get(&post).ok_or(())?;
        if row.channel != channel || row.delete_at != 0 {
            return Err(());
        }
        let author = self.rows.users.get(&user).ok_or(())?;
        if !author.is_remote {
            return Err(());
        }
        let held = self.rows.reactions.get(&key).cloned();
        let at_ms = self.clock_ms(now_ms);
        let is_removal = match self.generation {
            Generation::Of2021 => time(wire, "delete_at") != 0,
            Generation::Of11 => {
                self.show_quirk(Quirk::TogglesReactions);
                held.as_ref().is_some_and(|held| held.is_stamped)
            }
        };
        let create_at = time(wire, "create_at");
        let row = ReactionRow {
            create_at: held.map_or(create_at, |held| held.create_at),
            update_at: if is_removal { at_ms } else { create_at },
            delete_at: if is_removal { at_ms } else { 0 },
            // A removal gets the stamp in the message: none.
            is_stamped: !is_removal || self.is(Generation::Of2021),
        };
        self.put_reaction(&key, row);
        self.touch_post(post, at_ms);
        self.news(now_ms, channel);
        Ok(())
    }

    /// An existing one stays in force until it is withdrawn, and then permanently is not; an unknown one is
    /// stored as one in force, even if it is a withdrawal.
    fn take_acknowledgement(&mut self, now_ms: i64, channel: Id, wire: &Value) -> Taken {
        let (post, user) = (
            id(wire, "post_id").ok_or(())?,
            id(wire, "user_id").ok_or(())?,
        );
        let row = self.rows.posts.get(&post).ok_or(())?;
        if row.channel != channel || row.delete_at != 0 {
            return Err(());
        }
        if !self.rows.users.get(&user).ok_or(())?.is_remote {
            return Err(());
        }
        let key = (post, user, ACKNOWLEDGED.to_string());
        let at_ms = self.clock_ms(now_ms);
        let is_withdrawn = time(wire, "acknowledged_at") == 0;
        let row = match self.rows.reactions.get(&key).cloned() {
            Some(held) if is_withdrawn => ReactionRow {
                update_at: at_ms,
                delete_at: at_ms,
                ..held
            },
            Some(held) => {
                if held.delete_at != 0 {
                    self.show_quirk(Quirk::KeepsWithdrawals);
                }
                return Ok(());
            }
            None => {
                let told_at = time(wire, "acknowledged_at");
                let made_at = if is_withdrawn { at_ms } else { told_at };
                ReactionRow {
                    create_at: made_at,
                    update_at: made_at,
                    delete_at: 0,
                    is_stamped: true,
                }
            }
        };
        self.put_reaction(&key, row);
        self.touch_post(post, at_ms);
        self.news(now_ms, channel);
        Ok(())
    }

    /// The priority stated for a post.
    fn priority(&self, wire: &Value) -> Option<Priority> {
        let stated = wire["metadata"]["priority"].as_object()?;
        let is = |key: &str| stated.get(key) == Some(&Value::Bool(true));
        let level = stated.get("priority").and_then(Value::as_str);
        let level = match level.unwrap_or_default() {
            "important" => PriorityLevel::Important,
            "urgent" => PriorityLevel::Urgent,
            _ => PriorityLevel::Standard,
        };
        let priority = Priority {
            level,
            requested_ack: is("requested_ack"),
            persistent_notifications: is("persistent_notifications"),
        };
        Some(priority).filter(|_| self.is(Generation::Of11))
    }

    /// Whether a text as stored mentions a known user; persistent notifications need one.
    pub(super) fn mentions_somebody(&self, message: &str) -> bool {
        let names = message.split(' ').filter_map(|word| word.strip_prefix('@'));
        names
            .into_iter()
            .any(|name| self.rows.named(name).is_some())
    }

    /// A text as stored: every mention of the map is replaced wherever it occurs.
    fn received_text(&self, message: &str, transforms: &Value) -> String {
        let mut text = message.to_string();
        for (mention, user) in transforms.as_object().into_iter().flatten() {
            let user = user.as_str().and_then(Id::parse);
            let user = user.and_then(|user| self.rows.users.get(&user));
            let name = match (user, mention.contains(':')) {
                (Some(user), true) => user.username.clone(),
                (Some(user), false) if user.is_remote => user.username.clone(),
                (None, false) => format!("{mention}:{}", self.peer),
                _ => continue,
            };
            text = text.replace(&format!("@{mention}"), &format!("@{name}"));
        }
        text
    }
}
