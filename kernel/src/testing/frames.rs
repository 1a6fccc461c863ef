//! What peers send: the JSON of messages and their objects, and the answers to them. Every id is made
//! of a few letters that tests can read.

use serde_json::{Map, Value, json};

use super::{START, World};
use crate::boundary::input::FramePart;
use crate::boundary::output::Reply;
use crate::inbound;
use crate::model::Connection;
use crate::rows::id::{ConnectionNo, Id};

/// The text of an id that begins with these letters.
pub fn id(letters: &str) -> String {
    format!("{letters:x<26}")
}

/// The id that begins with these letters.
pub fn parsed_id(letters: &str) -> Id {
    Id::parse(&id(letters)).unwrap()
}

impl World {
    /// The body of a frame with a message.
    pub fn frame(&self, connection: ConnectionNo, topic: &str, payload: &Value) -> Vec<u8> {
        let remote_id = self.get::<Connection>(&connection).remote_id;
        let frame = json!({
            "remote_id": remote_id.as_str(),
            "msg": {"id": id("m"), "topic": topic, "create_at": START, "payload": payload},
        });
        serde_json::to_vec(&frame).unwrap()
    }

    /// Takes the body of a frame; status and JSON of the answer.
    pub fn body(&mut self, connection: ConnectionNo, body: &[u8]) -> (u16, Value) {
        self.body_without(connection, body, &[])
    }

    /// [`World::body`] with some items set aside.
    pub fn body_without(
        &mut self,
        connection: ConnectionNo,
        body: &[u8],
        skip: &[(u32, u32)],
    ) -> (u16, Value) {
        let mut reply = self.step(|tx| inbound::frame(tx, connection, body, skip));
        while matches!(reply, Reply::Unfinished { .. }) {
            reply = self.step(|tx| inbound::part(tx, connection, &FramePart::Items(u32::MAX)));
        }
        http(reply)
    }

    /// Takes a message, which must be answered with status 200; the answer.
    pub fn message(&mut self, connection: ConnectionNo, topic: &str, payload: Value) -> Value {
        let body = self.frame(connection, topic, &payload);
        let (status, answer) = self.body(connection, &body);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Takes an invitation; the answer.
    pub fn invited(&mut self, connection: ConnectionNo, invite: Value) -> Value {
        self.message(connection, "sharedchannel_invite", invite)
    }

    /// Takes a sync message for `joint`, unless it names another channel; the answer.
    pub fn answer(&mut self, connection: ConnectionNo, mut payload: Value) -> Value {
        if payload.get("channel_id").is_none() {
            payload["channel_id"] = json!(id("joint"));
        }
        payload["id"] = json!(id("s"));
        self.message(connection, "sharedchannel_sync", payload)
    }

    /// [`World::answer`], which must succeed; its payload.
    pub fn sync(&mut self, connection: ConnectionNo, payload: Value) -> Value {
        let answer = self.answer(connection, payload);
        assert_eq!(answer["status"], "OK", "{answer}");
        answer["payload"].clone()
    }
}

/// Status and JSON of the answer to a frame.
pub fn http(reply: Reply) -> (u16, Value) {
    let Reply::Http { status, body } = reply else {
        panic!("not an answer: {reply:?}")
    };
    (status, serde_json::from_slice(&body).unwrap())
}

/// The answer to an invitation that is accepted, and to a message that is ignored.
pub fn accepted() -> Value {
    json!({"status": "OK", "err": "", "payload": null})
}

/// The answer to a message that is refused.
pub fn failed(error: &str) -> Value {
    json!({"status": "FAIL", "err": error, "payload": null})
}

/// The payload of a sync message with profiles.
pub fn users(list: &[Value]) -> Value {
    let named = list.iter().enumerate();
    let map: Map<String, Value> = named
        .map(|(n, user)| (format!("{n:02}"), user.clone()))
        .collect();
    json!({"users": map})
}

pub fn user(letters: &str, name: &str) -> Value {
    json!({
        "id": id(letters), "create_at": START - 1000, "update_at": START, "delete_at": 0,
        "username": name, "password": "********", "auth_service": "", "email": "real@x.example",
        "nickname": "", "first_name": "", "last_name": "", "position": "", "roles": "system_user",
        "props": {}, "locale": "en", "timezone": {}, "remote_id": "",
    })
}

/// A post in `joint`.
pub fn post(letters: &str, author: &str, message: &str) -> Value {
    json!({
        "id": id(letters), "create_at": START, "update_at": START, "edit_at": 0, "delete_at": 0,
        "is_pinned": false, "user_id": id(author), "channel_id": id("joint"), "root_id": "",
        "original_id": "", "message": message, "type": "", "props": {}, "hashtags": "",
        "file_ids": [], "pending_post_id": "", "metadata": {},
    })
}

pub fn reaction(post: &str, author: &str, emoji: &str) -> Value {
    json!({
        "user_id": id(author), "post_id": id(post), "emoji_name": emoji, "create_at": START,
        "update_at": START, "delete_at": 0, "remote_id": "", "channel_id": "",
    })
}

/// An acknowledgement, or its withdrawal. Times are in ms from [`START`]; 0 = not given.
pub fn acknowledgement(post: &str, author: &str, acknowledged_at: i64, delete_at: i64) -> Value {
    let time = |at: i64| if at == 0 { 0 } else { START + at };
    json!({
        "user_id": id(author), "post_id": id(post), "acknowledged_at": time(acknowledged_at),
        "delete_at": time(delete_at), "channel_id": id("joint"),
    })
}

/// A user of `joint` joining or leaving it, at a time in ms from [`START`].
pub fn membership(user: &str, is_add: bool, change_time: i64) -> Value {
    json!({
        "channel_id": id("joint"), "user_id": id(user), "is_add": is_add, "remote_id": "",
        "change_time": START + change_time,
    })
}

pub fn invite(letters: &str, name: &str) -> Value {
    json!({
        "channel_id": id(letters), "team_id": id("theirs"), "read_only": false, "name": name,
        "display_name": "Their Lounge", "header": "H", "purpose": "P", "type": "O",
        "creator_id": "", "direct_participant_ids": null, "direct_participants": null,
    })
}

/// An object with some members changed.
pub fn with(mut object: Value, changes: Value) -> Value {
    for (key, value) in changes.as_object().unwrap() {
        object[key] = value.clone();
    }
    object
}
