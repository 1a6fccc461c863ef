//! Priorities of posts: stated at our host as in the recording, and compared on both ways.

use serde_json::{Value, json};

use crate::json::Json;

/// The priority of a recorded post as clients state it and see it, if it has one.
pub fn of(item: &Json) -> Option<Value> {
    let stated = item.get("metadata").find("priority")?;
    let asks = |key: &str| stated.get(key) == &Json::Bool(true);
    Some(json!({
        "priority": stated.get("priority").text(),
        "requested_ack": asks("requested_ack"),
        "persistent_notifications": asks("persistent_notifications"),
    }))
}
