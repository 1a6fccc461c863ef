//! Reads frames as an onlooker on the wire does: with a JSON library, not with the kernel's own
//! reader.

use serde_json::Value;

/// An item that a frame brings, with the version that it bears.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// A profile: user.
    User(String),
    /// A post.
    Post(String),
    /// A reaction: post, user, emoji.
    Reaction(String, String, String),
}

/// A frame to a peer.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Whether it offers a channel instead of bringing items.
    pub is_invitation: bool,
    /// The channel.
    pub channel: String,
    /// Its items with their versions.
    pub items: Vec<(Item, i64)>,
    /// All of it.
    pub json: Value,
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_string()
}

fn version(value: &Value) -> i64 {
    value["update_at"].as_i64().unwrap_or(-1)
}

/// The frame of bytes, if they are one.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Frame> {
    let json: Value = serde_json::from_slice(bytes).ok()?;
    let message = &json["msg"];
    let payload = &message["payload"];
    let mut items = Vec::new();
    for user in payload["users"].as_object().into_iter().flatten() {
        items.push((Item::User(text(user.1, "id")), version(user.1)));
    }
    for post in payload["posts"].as_array().into_iter().flatten() {
        items.push((Item::Post(text(post, "id")), version(post)));
    }
    for reaction in payload["reactions"].as_array().into_iter().flatten() {
        let item = Item::Reaction(
            text(reaction, "post_id"),
            text(reaction, "user_id"),
            text(reaction, "emoji_name"),
        );
        items.push((item, version(reaction)));
    }
    Some(Frame {
        is_invitation: message["topic"] == "sharedchannel_invite",
        channel: text(payload, "channel_id"),
        items,
        json,
    })
}

/// An answer to a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether the application took the message.
    pub is_ok: bool,
    /// Ids of posts that were refused.
    pub post_errors: Vec<String>,
    /// Ids of users that are stored.
    pub users_syncd: Vec<String>,
}

/// The answer of bytes.
#[must_use]
pub fn read_answer(bytes: &[u8]) -> Option<Answer> {
    let json: Value = serde_json::from_slice(bytes).ok()?;
    let list = |key: &str| {
        let list = json["payload"][key].as_array();
        let texts = list.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_string).collect()
    };
    Some(Answer {
        is_ok: json["status"] == "OK",
        post_errors: list("post_errors"),
        users_syncd: list("users_syncd"),
    })
}
