//! Features that the web client asks for and this service does not have, answered as a server without them does.
//! Client API §15.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::answer::{ApiResult, Rendered};
use super::path::Ids;
use crate::app::{Caller, SharedApp};
use crate::http::ApiError;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/agents", get(none))
        .route("/agents/status", get(agents_status))
        .route("/channels/{channel_id}/bookmarks", get(none_in_channel))
        .route(
            "/channels/{channel_id}/member_counts_by_group",
            get(none_in_channel),
        )
        .route("/custom_profile_attributes/fields", get(none))
        .route(
            "/users/{user_id}/custom_profile_attributes",
            get(no_attributes),
        )
        .route("/groups", get(none))
        .route("/teams/{team_id}/groups_by_channels", get(no_groups))
        .route("/posts/scheduled/team/{team_id}", get(nothing_scheduled))
        .route("/system/notices/{team_id}", get(none))
        .route("/trial-license/prev", get(no_licences))
        .route("/upgrade_to_enterprise/allowed", get(no_licences))
        .route("/upgrade_to_enterprise/status", get(no_upgrade))
}

/// A list that is empty for everybody.
async fn none(_: Caller) -> ApiResult {
    Ok(Rendered::array(&[]))
}

/// A list that is empty for whoever may read the channel.
async fn none_in_channel(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    ids.channel(&app.rows(), &caller)?;
    Ok(Rendered::array(&[]))
}

async fn agents_status(_: Caller) -> ApiResult {
    Ok(Rendered::json(&json!({
        "available": false,
        "reason": "app.agents.bridge.not_available.plugin_env_not_initialized",
    })))
}

async fn no_attributes(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    ids.user(&app.rows(), &caller)?;
    Ok(Rendered::json(&json!({})))
}

async fn no_groups(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    ids.own_team(&app.rows(), &caller)?;
    Ok(Rendered::json(&json!({ "groups": {} })))
}

async fn nothing_scheduled(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    ids.own_team(&app.rows(), &caller)?;
    let lists: Map<String, Value> = ["directChannels", ids.get("team_id")]
        .into_iter()
        .map(|name| (name.to_string(), json!([])))
        .collect();
    Ok(Rendered::json(&Value::Object(lists)))
}

/// There is neither an edition to upgrade to nor a trial of one.
async fn no_licences(_: Caller) -> ApiResult {
    Err(ApiError::new(
        StatusCode::FORBIDDEN,
        "api.license.upgrade_needed.app_error",
        "This workspace has no licences: all its features are always available.",
    ))
}

async fn no_upgrade(_: Caller) -> ApiResult {
    Ok(Rendered::json(&json!({ "percentage": 0, "error": null })))
}
