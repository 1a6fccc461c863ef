//! The items of a message, and the values of their fields.

use causeway_kernel::rows::id::Id;
use serde_json::{Value, json};

use super::grammar::Production as P;
use super::{Knowledge, Mallory};

/// Length of the longest text, in letters.
const LONGEST: usize = 16_383;

impl Mallory {
    /// An id from one of three lists: the peer's own, others', and the workspace's.
    fn id(&mut self, own: &[Id], other: &[Id], local: &[Id]) -> String {
        let list = [
            (P::OwnId, 60),
            (P::OtherPeersId, 10),
            (P::LocalId, 15),
            (P::UnknownId, 12),
            (P::EmptyId, 2),
            (P::HugeId, 1),
            (P::LookAlikeId, 4),
        ];
        let picked = match self.one_of(&list) {
            P::OwnId => self.dice.pick(own),
            P::OtherPeersId => self.dice.pick(other),
            P::LocalId => self.dice.pick(local),
            P::EmptyId => return String::new(),
            P::HugeId => return "y".repeat(40_000),
            P::LookAlikeId => {
                let near = self.dice.pick(local).map(Id::to_string).unwrap_or_default();
                return match self.dice.below(4) {
                    0 => near.to_uppercase(),
                    1 => format!("{near} "),
                    2 => near.replace('o', "\u{3bf}"),
                    _ => format!("{near}\0"),
                };
            }
            _ => None,
        };
        let picked = picked.map(Id::to_string);
        picked.unwrap_or_else(|| self.fresh().to_string())
    }

    pub(super) fn user(&mut self, known: &Knowledge) -> String {
        self.id(&known.own_users, &known.other_users, &known.local_users)
    }

    pub(super) fn post(&mut self, known: &Knowledge) -> String {
        self.id(&known.own_posts, &known.other_posts, &known.local_posts)
    }

    fn time(&mut self, known: &Knowledge) -> i64 {
        let list = [
            (P::PastTime, 10),
            (P::EqualTime, 20),
            (P::FutureTime, 10),
            (P::ZeroTime, 5),
            (P::HighestTime, 1),
            (P::NegativeTime, 1),
        ];
        match self.one_of(&list) {
            P::PastTime => known.now_ms - self.dice.between(1, 100_000_000),
            P::FutureTime => known.now_ms + self.dice.between(1, 100_000_000_000),
            P::ZeroTime => 0,
            P::HighestTime => i64::MAX,
            P::NegativeTime => -self.dice.between(1, 1 << 40),
            _ => known.now_ms,
        }
    }

    pub(super) fn text(&mut self) -> String {
        let list = [
            (P::EmptyText, 5),
            (P::LongestText, 1),
            (P::TooLongText, 1),
            (P::ControlText, 5),
            (P::BidiText, 5),
            (P::InvalidUtf8, 3),
            (P::MentionOfEverybody, 10),
        ];
        if self.dice.chance(500) {
            return format!("mallory says {}", self.dice.below(1 << 40));
        }
        let number = self.dice.below(1 << 40);
        match self.one_of(&list) {
            P::LongestText => "x".repeat(LONGEST),
            P::TooLongText => "x".repeat(LONGEST + 1),
            P::ControlText => format!("bell\u{7} null\u{0} escape\u{1b}[31m {number}"),
            P::BidiText => format!("\u{202e}txet \u{2066}{number}\u{2069}"),
            // Replaced by invalid UTF-8 when the message is written.
            P::InvalidUtf8 => format!("\u{fdd0}{number}"),
            P::MentionOfEverybody => format!("@all @channel @here @alice @bob {number}"),
            _ => String::new(),
        }
    }

    fn name(&mut self, known: &Knowledge) -> String {
        let list = [
            (P::PlainName, 60),
            (P::SuffixedName, 20),
            (P::LookAlikeName, 10),
            (P::IllegalName, 5),
            (P::LongName, 2),
        ];
        let taken = self.dice.pick(&known.names).cloned().unwrap_or_default();
        let plain = taken.split(':').next().unwrap_or_default().to_string();
        match self.one_of(&list) {
            P::SuffixedName => {
                let connection = self.dice.pick(&known.connections).cloned();
                format!("{plain}:{}", connection.unwrap_or_default())
            }
            P::LookAlikeName => plain.replace('a', "\u{430}").replace('o', "\u{3bf}"),
            P::IllegalName => format!("{plain}\u{202e}<b> "),
            P::LongName => "m".repeat(300),
            _ if self.dice.chance(500) => plain,
            _ => format!("mallory{}", self.dice.below(9)),
        }
    }

    pub(super) fn users(&mut self, known: &Knowledge) -> Value {
        let mut map = serde_json::Map::new();
        for _ in 0..self.count().min(60) {
            let id = self.user(known);
            let user = json!({
                "id": id, "create_at": self.time(known), "update_at": self.time(known),
                "delete_at": if self.dice.chance(100) { self.time(known) } else { 0 },
                "username": self.name(known), "password": "x", "auth_service": "",
                "email": "root@localhost", "email_verified": true,
                "nickname": if self.dice.chance(300) { self.text() } else { String::new() },
                "first_name": "", "last_name": "", "position": "",
                "roles": "system_admin system_user",
                "props": {"RemoteUsername": "alice", "OriginalRemoteId": "local", "x": "y"},
                "locale": "en", "timezone": {}, "is_bot": true,
                "remote_id": if self.dice.chance(300) { self.user(known) } else { String::new() },
            });
            map.insert(id, user);
        }
        Value::Object(map)
    }

    pub(super) fn posts(&mut self, known: &Knowledge, channel: &str) -> Value {
        let mut list = Vec::new();
        for _ in 0..self.count() {
            let post = self.one_post(known, channel);
            list.push(post);
        }
        json!(list)
    }

    fn one_post(&mut self, known: &Knowledge, channel: &str) -> Value {
        let is_new = self.dice.chance(500);
        let id = if is_new {
            self.fresh().to_string()
        } else {
            self.post(known)
        };
        let user = if self.dice.chance(150) {
            self.uses(P::ForgedAuthor);
            let local = self.dice.pick(&known.local_users).copied();
            local.map_or_else(String::new, |id| id.to_string())
        } else {
            self.user(known)
        };
        let mut post = json!({
            "id": id, "create_at": self.time(known), "update_at": self.time(known),
            "edit_at": if self.dice.chance(300) { self.time(known) } else { 0 },
            "delete_at": 0, "is_pinned": self.dice.chance(100), "user_id": user,
            "channel_id": channel, "root_id": "", "original_id": "",
            "message": self.text(), "type": "", "props": {}, "hashtags": "#all",
            "pending_post_id": "", "reply_count": -7, "last_reply_at": 0, "participants": null,
            "metadata": {"priority": {"priority": "urgent", "persistent_notifications": true}},
        });
        if self.dice.chance(120) {
            self.uses(P::Deletion);
            post["delete_at"] = json!(self.time(known));
        }
        if self.dice.chance(250) {
            post["root_id"] = json!(self.post(known));
        }
        if self.dice.chance(80) {
            self.uses(P::WrongChannel);
            let closed = self.dice.pick(&known.closed).map(Id::to_string);
            post["channel_id"] = json!(closed.unwrap_or_default());
        }
        if self.dice.chance(100) {
            self.uses(P::ForgedOrigin);
            post["remote_id"] = json!(self.user(known));
        }
        match self.dice.below(20) {
            0 => {
                self.uses(P::SystemType);
                post["type"] = json!("system_ephemeral");
            }
            1 => {
                self.uses(P::UnknownType);
                post["type"] = json!("burn_on_read");
            }
            2 => {
                self.uses(P::InjectedProps);
                post["props"] = json!({
                    "from_webhook": "true", "override_username": "alice",
                    "attachments": [{"text": "click"}], "deleteBy": "me",
                });
            }
            _ => {}
        }
        self.files_of_post(known, &mut post);
        post
    }

    pub(super) fn reactions(&mut self, known: &Knowledge) -> Value {
        let emoji = ["tada", "+1", "eyes", "", "\u{1f525}", "a b"];
        let mut list = Vec::new();
        for _ in 0..self.count() {
            let emoji = self.dice.pick(&emoji).copied().unwrap_or_default();
            let delete_at = if self.dice.chance(300) {
                self.time(known)
            } else {
                0
            };
            list.push(json!({
                "user_id": self.user(known), "post_id": self.post(known), "emoji_name": emoji,
                "create_at": self.time(known), "update_at": self.time(known),
                "delete_at": delete_at, "remote_id": "", "channel_id": "",
            }));
        }
        json!(list)
    }

    pub(super) fn statuses(&mut self, known: &Knowledge) -> Value {
        json!([{"user_id": self.user(known), "status": "sleeping", "manual": true,
            "last_activity_at": self.time(known)}])
    }

    pub(super) fn acknowledgements(&mut self, known: &Knowledge, channel: &str) -> Value {
        json!([{"user_id": self.user(known), "post_id": self.post(known),
            "acknowledged_at": self.time(known), "channel_id": channel}])
    }

    pub(super) fn memberships(&mut self, known: &Knowledge, channel: &str) -> Value {
        json!([{"channel_id": channel, "user_id": self.user(known),
            "is_add": self.dice.chance(500), "remote_id": "", "change_time": self.time(known)}])
    }

    pub(super) fn transforms(&mut self, known: &Knowledge) -> Value {
        let mut map = serde_json::Map::new();
        for name in ["all", "alice", "bob", "a", "", "alice:globex"] {
            map.insert(name.to_string(), json!(self.user(known)));
        }
        Value::Object(map)
    }
}
