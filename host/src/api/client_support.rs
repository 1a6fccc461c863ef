//! What clients report and look up beside their work. Client API §6.1, §6.3, §6.6, §15.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use causeway_kernel::model::User;
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{self, Viewer, Views};
use causeway_views::query::{PER_PAGE_MAX, Page, channels};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{ApiResult, Rendered};
use super::auth::MaybeCaller;
use super::path::Ids;
use crate::app::{Caller, SharedApp};
use crate::http::{ApiError, Json, StrangersJson};

/// Maximum channels in which people whom a user knows are looked for.
const KNOWN_CHANNELS_MAX: usize = 100;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/system/timezones", get(timezones))
        .route("/logs", post(log))
        .route("/client_perf", post(performance))
        .route("/users/known", get(known))
        .route("/users/{user_id}/typing", post(typing))
        .route("/channels/{channel_id}/timezones", get(of_members))
        .route("/channels/{channel_id}/moderations", get(moderations))
}

/// The time zones that people may choose.
async fn timezones(_: Caller) -> ApiResult {
    let names: BTreeSet<String> = jiff::tz::db()
        .available()
        .map(|name| name.as_str().to_string())
        .filter(|name| name.contains('/'))
        .collect();
    Ok(Rendered::new(json::text(&names)))
}

#[derive(Deserialize)]
struct LogBody {
    message: Option<String>,
}

/// A client's report of an error is repeated to it, and not kept: it may hold what somebody wrote.
async fn log(_: MaybeCaller, StrangersJson(body): StrangersJson<LogBody>) -> ApiResult {
    let message = body.message.unwrap_or_default();
    Ok(Rendered::json(&json!({ "message": message })))
}

/// A client's measurements are not kept.
async fn performance(_: Caller, _: Json<Value>) -> ApiResult {
    Ok(Rendered::ok())
}

/// Ids of the people in the caller's channels, of the first members of each.
async fn known(State(app): State<SharedApp>, caller: Caller) -> ApiResult {
    let rows = app.rows();
    let views = Views::new(&rows, Viewer::System);
    let mut people = BTreeSet::new();
    let own = channels::numbers_of_user(&rows, caller.user);
    for channel in own.into_iter().take(KNOWN_CHANNELS_MAX) {
        let members = channels::members(&rows, channel, Page::new(0, PER_PAGE_MAX))?;
        people.extend(members.into_iter().map(|(user, _)| user));
    }
    people.remove(&caller.user);
    let ids: Vec<String> = people.iter().map(|user| views.user_id(*user)).collect();
    Ok(Rendered::new(json::text(&ids)))
}

#[derive(Deserialize)]
struct TypingBody {
    channel_id: Option<String>,
    parent_id: Option<String>,
}

/// Tells the other members of a channel that the caller is writing.
async fn typing(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<TypingBody>,
) -> ApiResult {
    let rows = app.rows();
    let user = ids.caller_alone(&rows, &caller)?;
    let channel = lookup::channel(&rows, &body.channel_id.unwrap_or_default());
    let channel = channel.ok_or_else(ApiError::forbidden)?;
    let root = body.parent_id.unwrap_or_default();
    if !root.is_empty() && lookup::post(&rows, &root).is_none() {
        return Err(ApiError::invalid_body("parent_id"));
    }
    drop(rows);
    app.typing(user, channel, &root);
    Ok(Rendered::ok())
}

/// The time zones of the first members of a channel.
async fn of_members(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let channel = ids.channel(&rows, &caller)?;
    let members = channels::members(&rows, channel, Page::new(0, PER_PAGE_MAX))?;
    let zones = members.iter().filter_map(|(user, _)| zone_of(&rows, *user));
    let zones: BTreeSet<String> = zones.collect();
    Ok(Rendered::new(json::text(&zones)))
}

fn zone_of(rows: &impl Read, user: UserNo) -> Option<String> {
    let timezone = rows.get::<User>(&user)?.timezone;
    let zone: Value = serde_json::from_str(&timezone).ok()?;
    let text = |key: &str| zone.get(key).and_then(Value::as_str);
    let key = match text("useAutomaticTimezone") {
        Some("true") => "automaticTimezone",
        _ => "manualTimezone",
    };
    let name = text(key).filter(|name| !name.is_empty());
    name.map(str::to_string)
}

/// Channels have no rules of their own for what members may do.
async fn moderations(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    caller.require_admin(&rows)?;
    ids.channel(&rows, &caller)?;
    Ok(Rendered::array(&[]))
}
