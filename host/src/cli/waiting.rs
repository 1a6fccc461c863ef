//! `causeway connection waiting`: what did not cross when its turn came.

use anyhow::Result;
use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::remote::{Remote, text};
use super::terminal;

/// The lists of the API.
const LISTS: [&str; 4] = ["exceptions", "files", "pictures", "held"];

/// Prints the lists for one connection, given by its checked ID, or for all.
pub(super) async fn print(remote: &Remote, connection: Option<&str>, as_json: bool) -> Result<()> {
    let query = connection.map_or_else(String::new, |id| format!("?connection_id={id}"));
    let mut found = Map::new();
    for list in LISTS {
        let path = format!("/causeway/{list}{query}");
        found.insert(list.into(), remote.call(Method::GET, &path, None).await?);
    }
    if as_json {
        return Ok(terminal::pretty_json(&Value::Object(found))?);
    }
    let mut is_empty = true;
    for (list, entries) in &found {
        for entry in entries.as_array().into_iter().flatten() {
            terminal::line(line_of(list, entry));
            is_empty = false;
        }
    }
    if is_empty {
        terminal::line("nothing is held back, refused or given up");
    }
    Ok(())
}

/// An entry of a list, on one line.
fn line_of(list: &str, entry: &Value) -> String {
    let (connection, channel) = (text(entry, "connection_id"), text(entry, "channel_id"));
    let way = if list == "held" { "from" } else { "to" };
    let state = match text(entry, "state") {
        "" => "held",
        state => state,
    };
    let what = what(list, entry);
    let mut line = format!("{way} {connection}  {state}  {what}");
    if !channel.is_empty() {
        line.push_str(&format!(" in channel {channel}"));
    }
    let reason = text(entry, "reason");
    if !reason.is_empty() {
        line.push_str(&format!(": {reason}"));
    }
    let retry_at_ms = entry["retry_at"].as_i64().unwrap_or_default();
    if retry_at_ms != 0
        && let Ok(at) = Timestamp::from_millisecond(retry_at_ms)
    {
        line.push_str(&format!("  (again at {})", at.strftime("%F %T UTC")));
    }
    line
}

fn what(list: &str, entry: &Value) -> String {
    let (post, user) = (text(entry, "post_id"), text(entry, "user_id"));
    let emoji = text(entry, "emoji_name");
    match list {
        "held" => format!("item {}", entry["number"]),
        "files" => format!("file {} of post {post}", text(entry, "name")),
        "pictures" => format!("picture of user {user}"),
        _ if !emoji.is_empty() => format!("reaction :{emoji}: to post {post}"),
        _ if !post.is_empty() && !user.is_empty() => format!("acknowledgement of post {post}"),
        _ if !post.is_empty() => format!("post {post}"),
        _ => format!("user {user}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_says_what_waits_where_why_and_until_when() {
        let post = json!({
            "connection_id": "c", "channel_id": "town", "post_id": "p", "user_id": null,
            "emoji_name": "", "state": "refused", "attempts": 2, "reason": "no", "retry_at": 60_000,
        });
        assert_eq!(
            line_of("exceptions", &post),
            "to c  refused  post p in channel town: no  (again at 1970-01-01 00:01:00 UTC)"
        );
        let read = json!({
            "connection_id": "c", "channel_id": "town", "post_id": "p", "user_id": "u",
            "emoji_name": "", "state": "held", "reason": "", "retry_at": 0,
        });
        assert_eq!(
            line_of("exceptions", &read),
            "to c  held  acknowledgement of post p in channel town"
        );
        let file = json!({
            "connection_id": "c", "channel_id": "town", "post_id": "p", "name": "a.pdf",
            "state": "dead", "reason": "too large", "retry_at": 0,
        });
        assert_eq!(
            line_of("files", &file),
            "to c  dead  file a.pdf of post p in channel town: too large"
        );
        let picture = json!({
            "connection_id": "c", "user_id": "u", "state": "interrupted", "retry_at": 0,
        });
        assert_eq!(
            line_of("pictures", &picture),
            "to c  interrupted  picture of user u"
        );
        let held = json!({"number": 7, "connection_id": "c", "channel_id": "town", "reason": ""});
        assert_eq!(
            line_of("held", &held),
            "from c  held  item 7 in channel town"
        );
    }
}
