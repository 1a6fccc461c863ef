//! What connected workspaces are still to get of posts, in words. `/share-channel delivery` is for everybody:
//! who wrote a post may ask how it stands.

use causeway_kernel::authority;
use causeway_kernel::rows::lookup;
use jiff::Timestamp;
use serde_json::Value;

use super::Invocation;
use super::arguments::Arguments;
use super::table::Table;
use crate::api::delivery;
use crate::http::ApiError;

const UNKNOWN_POST: &str =
    "There is no such post here that you may read. Its ID is the last part of its link.";

/// The caller's posts of this channel that are not yet everywhere, or how one post stands.
pub fn run(here: &Invocation<'_>, arguments: &Arguments) -> Result<String, String> {
    arguments.only(&["post"])?;
    let rows = here.app.rows();
    let in_words = |error: ApiError| error.message.into_owned();
    let id = arguments.get("post");
    if id.is_empty() {
        let shown = delivery::undelivered_shown(here.app, &rows, here.caller, here.channel);
        return Ok(list(&parsed(&shown.map_err(in_words)?)));
    }
    let post = lookup::post(&rows, id)
        .filter(|no| authority::may_read_post(&rows, *no, here.caller.user))
        .ok_or_else(|| UNKNOWN_POST.to_string())?;
    let shown = delivery::post_shown(here.app, &rows, here.caller, post).map_err(in_words)?;
    let shown = parsed(&shown);
    if workspaces(&shown).is_empty() {
        return Ok(NOT_SHARED.to_string());
    }
    Ok(table(&[shown]))
}

/// What is said of a post whose channel is shared with nobody.
pub const NOT_SHARED: &str = "The channel is not shared with any workspace now.";
/// What is said if no post is missing anywhere.
pub const ALL_DELIVERED: &str =
    "Nothing that you wrote in this channel waits for a connected workspace.";
/// What follows a list that does not have everything.
pub const MORE: &str = "There may be more: only the newest are listed.";

fn list(shown: &Value) -> String {
    let posts = shown["posts"].as_array().cloned().unwrap_or_default();
    let has_more = shown["has_more"] == true;
    let mut text = match (posts.is_empty(), has_more) {
        (true, false) => return ALL_DELIVERED.to_string(),
        (true, true) => String::new(),
        (false, _) => table(&posts),
    };
    if has_more {
        text.push_str(MORE);
    }
    text
}

fn table(posts: &[Value]) -> String {
    let mut table = Table::new(&["Post", "Written", "Secure connection", "State"]);
    for post in posts {
        for workspace in workspaces(post) {
            table.row(&[
                post["post_id"].as_str().unwrap_or_default(),
                &at(&post["create_at"]).unwrap_or_default(),
                name(workspace),
                &state(workspace),
            ]);
        }
    }
    table.into_text()
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

/// The workspaces of a post, as the API returns it.
#[must_use]
pub fn workspaces(post: &Value) -> &[Value] {
    post["workspaces"].as_array().map_or(&[], Vec::as_slice)
}

/// The name of a workspace by which people know it.
#[must_use]
pub fn name(workspace: &Value) -> &str {
    match workspace["display_name"].as_str() {
        None | Some("") => workspace["name"].as_str().unwrap_or_default(),
        Some(name) => name,
    }
}

/// How a post stands at a workspace, on one line.
#[must_use]
pub fn state(workspace: &Value) -> String {
    let what = match workspace["pending"].as_str() {
        Some("edit") => "its latest edit",
        Some("deletion") => "its deletion",
        _ => "it",
    };
    let reason = workspace["reason"].as_str().unwrap_or_default();
    let attempts = workspace["attempts"].as_u64().unwrap_or_default();
    let mut line = match workspace["state"].as_str().unwrap_or_default() {
        "delivered" => "delivered".to_string(),
        "origin" => "it came from there".to_string(),
        "not_sent" => format!("not sent: {reason}"),
        "sending" => format!("{what} is on its way"),
        "waiting" => format!("{what} waits: {reason}"),
        "held" => format!("{what} is held: {reason}"),
        "denied" => format!("a policy denied {what}: {reason}"),
        "refused" => format!("{what} was refused {attempts} ×: {reason}"),
        "dead" => format!("{what} is given up: {reason}"),
        other => format!("{what} is {other}: {reason}"),
    };
    if workspace["may_hold_earlier_version"] == true {
        line.push_str("; an earlier version may be shown there");
    }
    for file in workspace["files"].as_array().into_iter().flatten() {
        line.push_str(&format!("; {}", file_state(file)));
    }
    let is_open = workspace["pending"]
        .as_str()
        .is_some_and(|it| !it.is_empty());
    if is_open
        && workspace["is_online"] == false
        && let Some(at) = at(&workspace["last_ping_at"])
    {
        line.push_str(&format!(" (not reached since {at})"));
    }
    if let Some(at) = at(&workspace["retry_at"]) {
        line.push_str(&format!(" (again at {at})"));
    }
    line
}

fn file_state(file: &Value) -> String {
    let name = file["name"].as_str().unwrap_or_default();
    let mut line = match file["state"].as_str().unwrap_or_default() {
        "waiting" => format!("file {name} waits"),
        "interrupted" => format!("file {name} did not get through"),
        "refused" => format!("file {name} was refused"),
        "held" => format!("file {name} is held"),
        "denied" => format!("a policy denied file {name}"),
        _ => format!("file {name} is given up"),
    };
    if let Some(reason) = file["reason"].as_str().filter(|reason| !reason.is_empty()) {
        line.push_str(&format!(": {reason}"));
    }
    line
}

/// A time in ms, in UTC; `None` for 0.
fn at(ms: &Value) -> Option<String> {
    let ms = ms.as_i64().filter(|ms| *ms != 0)?;
    let time = Timestamp::from_millisecond(ms).ok()?;
    Some(time.strftime("%F %T UTC").to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_says_what_waits_why_and_until_when() {
        let line = |change: Value| {
            let mut workspace = json!({
                "name": "acme", "display_name": "", "is_online": true, "last_ping_at": 60_000,
                "state": "delivered", "pending": "", "may_hold_earlier_version": false,
                "reason": "", "attempts": 0, "retry_at": 0, "files": [],
            });
            for (key, value) in change.as_object().unwrap() {
                workspace[key] = value.clone();
            }
            assert_eq!(name(&workspace), "acme");
            state(&workspace)
        };
        assert_eq!(line(json!({ "is_online": false })), "delivered");
        assert_eq!(
            line(json!({
                "state": "waiting", "pending": "edit", "reason": "It is away.", "is_online": false,
                "may_hold_earlier_version": true,
            })),
            "its latest edit waits: It is away.; an earlier version may be shown there (not reached since \
             1970-01-01 00:01:00 UTC)"
        );
        assert_eq!(
            line(json!({
                "state": "refused", "pending": "post", "reason": "no", "attempts": 2, "retry_at": 120_000,
            })),
            "it was refused 2 ×: no (again at 1970-01-01 00:02:00 UTC)"
        );
        let files = json!([
            { "name": "a.pdf", "state": "refused", "reason": "too large" },
            { "name": "b.pdf", "state": "waiting", "reason": "" },
        ]);
        assert_eq!(
            line(json!({ "files": files })),
            "delivered; file a.pdf was refused: too large; file b.pdf waits"
        );
    }

    #[test]
    fn a_list_says_when_nothing_is_missing_and_when_something_may_be() {
        let list =
            |posts: Value, has_more: bool| list(&json!({ "posts": posts, "has_more": has_more }));
        assert_eq!(list(json!([]), false), ALL_DELIVERED);
        assert_eq!(list(json!([]), true), MORE);
        let post = json!({
            "post_id": "p", "create_at": 60_000,
            "workspaces": [{ "name": "acme", "state": "sending", "pending": "post" }],
        });
        let listed = list(json!([post]), false);
        let row = "| p | 1970-01-01 00:01:00 UTC | acme | it is on its way |\n";
        assert!(listed.ends_with(row), "{listed}");
    }
}
