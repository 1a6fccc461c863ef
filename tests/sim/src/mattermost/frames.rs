//! The messages of such a server, in the form shown by each generation's recordings.

use causeway_kernel::model::CUSTOM_STATUS;
use causeway_kernel::rows::id::Id;
use serde_json::{Value, json};

use super::Server;
use super::quirks::Generation;
use super::rows::{PostRow, ReactionKey, ReactionRow};
use crate::frames::ACKNOWLEDGED;

impl Server {
    /// A message in its envelope.
    pub(super) fn envelope(&mut self, topic: &str, at_ms: i64, payload: &Value) -> Vec<u8> {
        let id = self.new_id();
        json!({
            "remote_id": self.remote_id.as_str(),
            "msg": {"id": id.as_str(), "topic": topic, "create_at": at_ms, "payload": payload},
        })
        .to_string()
        .into_bytes()
    }

    /// A sync message with one section.
    pub(super) fn sync(&mut self, channel: Id, section: &str, items: Value) -> Value {
        let id = self.new_id();
        json!({"id": id.as_str(), "channel_id": channel.as_str(), section: items})
    }

    /// A profile.
    pub(super) fn wire_user(&mut self, id: Id) -> Value {
        let password = self.new_id();
        let Some(row) = self.rows.users.get(&id) else {
            return Value::Null;
        };
        let mut user = json!({
            "id": id.as_str(),
            "create_at": row.create_at,
            "update_at": row.update_at,
            "delete_at": 0,
            "username": row.username,
            "password": password.as_str(),
            "auth_service": "",
            "email": format!("{}@{}.example", row.username, self.generation.name()),
            "nickname": row.nickname,
            "first_name": "",
            "last_name": "",
            "position": "",
            "roles": "system_user",
            "locale": "en",
            "timezone": {
                "automaticTimezone": "", "manualTimezone": "", "useAutomaticTimezone": "true",
            },
            "disable_welcome_email": false,
        });
        if !row.custom_status.is_empty() {
            user["props"] = json!({CUSTOM_STATUS: row.custom_status});
        }
        if self.generation == Generation::Of11 {
            user["remote_id"] = json!("");
        }
        user
    }

    /// A post.
    pub(super) fn wire_post(&self, id: Id, row: &PostRow) -> Value {
        let hides_text = self.generation == Generation::Of11 && row.delete_at != 0;
        let root = row.root.map_or(String::new(), |root| root.to_string());
        let first = Id::parse(&"0".repeat(26)).unwrap_or(id);
        let reacted = self.rows.reactions.range((id, first, String::new())..);
        let reacted: Vec<_> = reacted
            .take_while(|(key, _)| key.0 == id)
            .filter(|(_, reaction)| reaction.delete_at == 0)
            .collect();
        let (acknowledged, reacted): (Vec<_>, Vec<_>) = reacted
            .into_iter()
            .partition(|(key, _)| key.2 == ACKNOWLEDGED);
        let mut post = json!({
            "id": id.as_str(),
            "create_at": row.create_at,
            "update_at": row.update_at,
            "edit_at": row.edit_at,
            "delete_at": row.delete_at,
            "is_pinned": row.is_pinned,
            "user_id": row.user.as_str(),
            "channel_id": row.channel.as_str(),
            "root_id": root,
            "original_id": "",
            "message": if hides_text { String::new() } else { self.sent_text(&row.message) },
            "type": row.kind,
            "props": {},
            "hashtags": "",
            "pending_post_id": "",
            "reply_count": 0,
            "last_reply_at": 0,
            "participants": null,
        });
        if !reacted.is_empty() {
            post["has_reactions"] = json!(true);
        }
        match self.generation {
            Generation::Of2021 => post["parent_id"] = json!(root),
            Generation::Of11 => {
                post["remote_id"] = json!("");
                post["metadata"] = json!({});
                for (key, list) in [("reactions", reacted), ("acknowledgements", acknowledged)] {
                    if !list.is_empty() && !hides_text {
                        let list = list.iter().map(|(key, row)| self.wire_reaction(key, row));
                        post["metadata"][key] = list.collect();
                    }
                }
                if let Some(priority) = row.priority.filter(|_| !hides_text) {
                    post["metadata"]["priority"] = json!({
                        "priority": priority.level.name(),
                        "requested_ack": priority.requested_ack,
                        "persistent_notifications": priority.persistent_notifications,
                        "PostId": id.as_str(),
                        "ChannelId": row.channel.as_str(),
                    });
                }
            }
        }
        if self.generation == Generation::Of11 || !row.files.is_empty() {
            self.wire_files(&mut post, (id, row));
        }
        post
    }

    /// A reaction, or an acknowledgement in force.
    pub(super) fn wire_reaction(&self, key: &ReactionKey, row: &ReactionRow) -> Value {
        if key.2 == ACKNOWLEDGED {
            let post = self.rows.posts.get(&key.0);
            let mut acknowledgement = json!({
                "user_id": key.1.as_str(),
                "post_id": key.0.as_str(),
                "acknowledged_at": row.create_at,
                "channel_id": post.map(|post| post.channel.as_str()),
            });
            if row.is_stamped {
                acknowledgement["remote_id"] = json!(self.remote_id.as_str());
            }
            return acknowledgement;
        }
        let mut reaction = json!({
            "user_id": key.1.as_str(),
            "post_id": key.0.as_str(),
            "emoji_name": key.2,
            "create_at": row.create_at,
            "update_at": row.update_at,
            "delete_at": row.delete_at,
            "remote_id": "",
        });
        if self.generation == Generation::Of11 {
            reaction["channel_id"] = json!("");
        }
        reaction
    }

    /// A text as sent: a server of 2021 mentions the peer's users by their names at home.
    fn sent_text(&self, message: &str) -> String {
        if self.generation == Generation::Of11 {
            return message.to_string();
        }
        let word = |word: &str| {
            let name = word.strip_prefix('@')?;
            let user = self.rows.users.get(&self.rows.named(name)?)?;
            user.is_remote.then(|| format!("@{}", user.remote_username))
        };
        let words = message
            .split(' ')
            .map(|text| word(text).unwrap_or_else(|| text.to_string()));
        words.collect::<Vec<_>>().join(" ")
    }

    /// The users that mentions in texts refer to, so that the receiver can rewrite them.
    pub(super) fn transforms(&self, texts: &[&str]) -> Value {
        let mut map = serde_json::Map::new();
        let words = texts.iter().flat_map(|text| text.split(' '));
        for name in words.filter_map(|word| word.strip_prefix('@')) {
            if let Some(user) = self.rows.named(name) {
                map.insert(name.to_string(), json!(user.as_str()));
            }
        }
        Value::Object(map)
    }

    /// An answer from the application.
    pub(super) fn answer(status: &str, error: &str, payload: &Value) -> Vec<u8> {
        json!({"status": status, "err": error, "payload": payload})
            .to_string()
            .into_bytes()
    }
}
