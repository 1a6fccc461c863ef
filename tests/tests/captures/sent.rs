//! What our host has sent: the items of its sync messages.

use causeway_tests::peer::Asked;

use crate::json::Json;
use crate::outgoing::Item;
use crate::recording::is_sync;
use crate::shape;

/// A sync message of our host.
pub struct Sent {
    pub message: Json,
    pub items: Vec<Item>,
    pub bytes: usize,
}

/// How often an item was sent, provided that it was sent in its expected final state.
pub fn times_sent(sent: &[Sent], item: &Item) -> usize {
    let items = sent.iter().flat_map(|sent| &sent.items);
    let versions: Vec<&Item> = items.filter(|ours| ours.key == item.key).collect();
    let last = versions.last();
    if last.is_some_and(|ours| shape::same_state(ours, item)) {
        versions.len()
    } else {
        0
    }
}

impl Sent {
    /// Reads a request; `None` if it is no sync message.
    pub fn of(asked: &Asked) -> Option<Sent> {
        let frame = Json::parse(&asked.body)?;
        let message = frame.get("msg");
        if !is_sync(message.get("topic").text()) {
            return None;
        }
        let message = message.get("payload").clone();
        let mut items = Vec::new();
        for (id, value) in message.get("users").members() {
            items.push(item("users", id, value));
        }
        for (section, keys) in IDENTIFIED_BY {
            for value in message.get(section).list() {
                let parts: Vec<&str> = keys.iter().map(|key| value.get(key).text()).collect();
                items.push(item(section, &parts.join(" "), value));
            }
        }
        Some(Sent {
            message,
            items,
            bytes: asked.body.len(),
        })
    }
}

/// The lists of a sync message, and what identifies their elements.
const IDENTIFIED_BY: [(&str, &[&str]); 4] = [
    ("membership_changes", &["channel_id", "user_id"]),
    ("posts", &["id"]),
    ("acknowledgements", &["post_id", "user_id"]),
    ("reactions", &["post_id", "user_id", "emoji_name"]),
];

fn item(section: &'static str, id: &str, value: &Json) -> Item {
    Item {
        key: format!("{section} {id}"),
        section,
        value: value.clone(),
        is_due: true,
    }
}
