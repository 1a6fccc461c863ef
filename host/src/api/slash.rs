//! Running slash commands. Client API §6.6, §10.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use causeway_kernel::authority;
use causeway_kernel::boundary::output::Event;
use causeway_kernel::rows::lookup;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{ApiResult, Rendered};
use super::path::Ids;
use crate::app::{Caller, SharedApp};
use crate::commands;
use crate::http::{ApiError, Json, random_id};

/// Maximum bytes of a command line; a longer one is refused.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/commands/execute", post(execute))
        .route("/commands", get(list))
        .route("/teams/{team_id}/commands/autocomplete", get(autocomplete))
}

#[derive(Deserialize)]
struct ExecuteBody {
    channel_id: Option<String>,
    command: Option<String>,
}

/// Runs a command. Its text is sent twice: programs read the response, user interfaces show the event.
async fn execute(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<ExecuteBody>,
) -> ApiResult {
    let line = body.command.unwrap_or_default();
    let line = line.trim();
    if line.len() < 2 || !line.starts_with('/') || line.len() > LINE_BYTES_MAX {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.command.execute_command.start.app_error",
            "No command trigger found: a command begins with a slash.",
        ));
    }
    let rows = app.rows();
    let channel = lookup::channel(&rows, &body.channel_id.unwrap_or_default())
        .filter(|channel| authority::is_channel_member(&rows, *channel, caller.user))
        .ok_or_else(ApiError::forbidden)?;
    drop(rows);
    let text = commands::run(&app, &caller, channel, line)
        .await
        .ok_or_else(|| {
            ApiError::new(
                StatusCode::NOT_FOUND,
                "api.command.execute_command.not_found.app_error",
                "There is no such command. To send a message beginning with a slash, put a space \
             before it.",
            )
        })?;
    app.publish(&Event::Ephemeral(channel, caller.user, text.clone()));
    Ok(Rendered::json(&json!({
        "response_type": "ephemeral",
        "text": text,
        "username": "",
        "channel_id": "",
        "icon_url": "",
        "type": "",
        "props": null,
        "goto_location": "",
        "trigger_id": random_id().as_str(),
        "skip_slack_parsing": false,
        "attachments": null,
        "extra_responses": null,
    })))
}

async fn list(State(app): State<SharedApp>, caller: Caller) -> ApiResult {
    Ok(Rendered::json(&known(&app, &caller)))
}

async fn autocomplete(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    ids.own_team(&app.rows(), &caller)?;
    Ok(Rendered::json(&known(&app, &caller)))
}

/// The commands that the caller may use.
fn known(app: &SharedApp, caller: &Caller) -> Value {
    let known = commands::known(&app.rows(), caller.user);
    let commands = known.into_iter().map(|(builtin, hint)| {
        json!({
            "id": "",
            "token": "",
            "create_at": 0,
            "update_at": 0,
            "delete_at": 0,
            "creator_id": "",
            "team_id": "",
            "trigger": builtin.trigger,
            "method": "",
            "username": "",
            "icon_url": "",
            "auto_complete": true,
            "auto_complete_desc": builtin.description,
            "auto_complete_hint": hint,
            "display_name": builtin.trigger,
            "description": "",
            "url": "",
            "plugin_id": "",
        })
    });
    Value::Array(commands.collect())
}
