//! What may complete a command line; clients ask at each key. Client API §6.6, §10.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use causeway_kernel::authority;
use causeway_kernel::model::{Connection, ConnectionState};
use causeway_kernel::rows::id::ChannelNo;
use causeway_kernel::rows::lookup;
use causeway_views::json;
use causeway_views::query::{components, sharing};
use serde::Serialize;

use super::answer::{ApiResult, Rendered};
use super::custom_commands;
use super::path::{Ids, Params};
use crate::app::{App, Caller, SharedApp};
use crate::commands::{self, Known};

/// The key whose values are the ids of connections.
const CONNECTION_ID: &str = "--connectionID";

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new().route(
        "/teams/{team_id}/commands/autocomplete_suggestions",
        get(suggestions),
    )
}

/// A suggestion as clients see it. Neither text begins with the slash.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Suggestion {
    /// The line with the suggestion.
    complete: String,
    /// What completes it.
    suggestion: String,
    hint: String,
    description: String,
    icon_data: &'static str,
}

impl Suggestion {
    fn new(before: &str, word: &str, hint: &str, description: &str) -> Suggestion {
        Suggestion {
            complete: format!("{before}{word}"),
            suggestion: word.to_string(),
            hint: hint.to_string(),
            description: description.to_string(),
            icon_data: "",
        }
    }
}

async fn suggestions(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
) -> ApiResult {
    let rows = app.rows();
    let team = ids.own_team(&rows, &caller)?;
    let channel = params.id("channel_id")?;
    let channel = channel.and_then(|id| lookup::channel(&rows, id));
    let channel = channel.filter(|no| authority::is_channel_member(&rows, *no, caller.user));
    let known = commands::known(&rows, caller.user);
    drop(rows);
    let Some(line) = params.get("user_input").trim_start().strip_prefix('/') else {
        return Ok(Rendered::array(&[]));
    };
    // What stands before the word that is being typed, and the part of it that is there.
    let at = line.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let (before, typed) = line.split_at_checked(at).unwrap_or((line, ""));
    let found = match before.split_whitespace().collect::<Vec<_>>().as_slice() {
        [] => {
            let mut found = triggers(&known, typed);
            let custom = custom_commands::offered(&app, team)?;
            let custom = custom.iter().filter(|it| it.trigger.starts_with(typed));
            if is_active(&app, channel) {
                found.extend(custom.map(|it| {
                    let (hint, description) = (&it.auto_complete_hint, &it.auto_complete_desc);
                    Suggestion::new(before, &it.trigger, hint, description)
                }));
            }
            found
        }
        [trigger] => actions(&known, trigger, before, typed),
        [trigger, .., CONNECTION_ID] if known.iter().any(|it| it.builtin.trigger == *trigger) => {
            connections(&app, &caller, before, typed)
        }
        _ => Vec::new(),
    };
    let found: Vec<String> = found.iter().map(json::text).collect();
    Ok(Rendered::array(&found))
}

/// Whether custom commands are offered in a channel; without one, they are.
fn is_active(app: &App, channel: Option<ChannelNo>) -> bool {
    channel.is_none_or(|channel| components::are_active(&app.rows(), channel))
}

fn triggers(known: &[Known], typed: &str) -> Vec<Suggestion> {
    let fitting = known
        .iter()
        .filter(|it| it.builtin.trigger.starts_with(typed));
    fitting
        .map(|it| Suggestion::new("", it.builtin.trigger, &it.hint(), it.builtin.description))
        .collect()
}

fn actions(known: &[Known], trigger: &str, before: &str, typed: &str) -> Vec<Suggestion> {
    let of_it = known.iter().filter(|it| it.builtin.trigger == trigger);
    of_it
        .flat_map(|it| &it.actions)
        .filter(|action| action.starts_with(typed))
        .map(|action| Suggestion::new(before, action, "", ""))
        .collect()
}

/// The connections, for those who may list them.
fn connections(app: &App, caller: &Caller, before: &str, typed: &str) -> Vec<Suggestion> {
    let rows = app.rows();
    if !authority::sees_connections(&rows, caller.user) {
        return Vec::new();
    }
    let found = sharing::connections(&rows, false);
    let fitting = found.iter().filter(|(_, row)| {
        row.state == ConnectionState::Confirmed && row.remote_id.as_str().starts_with(typed)
    });
    let shown = |row: &Connection| {
        Suggestion::new(before, row.remote_id.as_str(), &row.display_name, &row.name)
    };
    fitting.map(|(_, row)| shown(row)).collect()
}
