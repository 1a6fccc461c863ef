//! Compares an item that our host sent with a recorded one: keys in their order, types, and the
//! values that identify it.

use crate::files;
use crate::json::Json;
use crate::outgoing::Item;
use crate::profiles;

/// Keys that real servers omit when they are empty or not loaded;
/// `props` of a user is a custom status.
const OPTIONAL: [&str; 6] = [
    "file_ids",
    "remote_id",
    "has_reactions",
    "message_source",
    "props",
    "last_login",
];
/// Keys whose values may be null or filled, depending on what a server has loaded.
const LOOSE: [&str; 4] = ["file_ids", "participants", "metadata", "remote_id"];

/// Whether our item shows the state of the recorded one.
pub fn same_state(ours: &Item, theirs: &Item) -> bool {
    let (one, other) = (&ours.value, &theirs.value);
    let deleted = |json: &Json| json.get("delete_at").integer() > 0;
    if deleted(one) != deleted(other) {
        return false;
    }
    if ours.section == "users" {
        let says = |json: &Json| {
            let written = profiles::WRITTEN.map(|key| json.get(key).text().to_string());
            let name = json.get("username").text().to_string();
            (name, written, profiles::custom_status(json).to_string())
        };
        return says(one) == says(other);
    }
    if one.get("is_add") != other.get("is_add") {
        return false;
    }
    let pinned = one.get("is_pinned") == other.get("is_pinned");
    let edited = |json: &Json| json.get("edit_at").integer() > 0;
    let text = one.get("message") == other.get("message");
    deleted(other) || ours.section != "posts" || (text && pinned && edited(one) == edited(other))
}

/// Every difference between our item and the recorded one.
pub fn compare(ours: &Item, theirs: &Item) -> Vec<String> {
    let mut found = keys(ours, &theirs.value);
    let values: &[&str] = match ours.section {
        "posts" => &[
            "id",
            "user_id",
            "channel_id",
            "root_id",
            "original_id",
            "message",
            "type",
            "is_pinned",
            "pending_post_id",
        ],
        "users" => &["id", "username", "roles", "auth_service"],
        _ => &[
            "user_id",
            "post_id",
            "emoji_name",
            "channel_id",
            "remote_id",
            "is_add",
        ],
    };
    for key in values {
        let (one, other) = (ours.value.get(key), theirs.value.get(key));
        // Only servers of 2021 send the text of deleted posts; we do not.
        let gone = *key == "message" && theirs.value.get("delete_at").integer() > 0;
        if gone && one == &Json::from("") {
            continue;
        }
        if one != other {
            found.push(format!("{key} is {one}, recorded {other}"));
        }
    }
    let files = |item: &Item| files::ids_of(&item.value);
    let is_live = theirs.value.get("delete_at").integer() == 0;
    if is_live && files(ours) != files(theirs) {
        found.push(format!("{} has the files of {}", ours.value, theirs.value));
    }
    let priority = |item: &Item| item.value.get("metadata").find("priority").cloned();
    if priority(ours) != priority(theirs) {
        found.push(format!(
            "{} has the priority of {}",
            ours.value, theirs.value
        ));
    }
    if !same_state(ours, theirs) {
        found.push(format!("{} stands for {}", ours.value, theirs.value));
    }
    found
}

/// Compares keys and types.
pub fn keys(ours: &Item, theirs: &Json) -> Vec<String> {
    let names = |json: &Json, other: &Json| -> Vec<String> {
        json.members()
            .iter()
            .map(|(key, _)| key.clone())
            .filter(|key| !OPTIONAL.contains(&&**key) || other.find(key).is_some())
            .collect()
    };
    let (one, other) = (names(&ours.value, theirs), names(theirs, &ours.value));
    let mut found = Vec::new();
    if one != other {
        found.push(format!("the keys are {one:?}, recorded {other:?}"));
    }
    for key in one {
        let (here, there) = (ours.value.get(&key).kind(), theirs.get(&key).kind());
        if here != there && !LOOSE.contains(&&*key) && theirs.find(&key).is_some() {
            found.push(format!("{key} is a {here}, recorded a {there}"));
        }
    }
    found
}
