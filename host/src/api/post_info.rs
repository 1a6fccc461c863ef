//! Where a post is, before a client opens a link to it. Client API §15.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use causeway_kernel::authority;
use causeway_kernel::model::{Channel, Post, Team};
use causeway_kernel::rows::tx::Read;
use serde_json::{Map, Value, json};

use super::answer::{ApiResult, Rendered};
use super::path::Ids;
use crate::app::{Caller, SharedApp};
use crate::http::ApiError;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new().route("/posts/{post_id}/info", get(info))
}

/// Channel and team of a post that the caller may read, and whether the caller has joined them.
async fn info(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let missing = || ApiError::not_found("app.post.get.app_error", "post");
    // A hidden post is reported like one that does not exist.
    let post_no = ids.post(&rows, &caller).map_err(|_| missing())?;
    let post = rows.get::<Post>(&post_no).ok_or_else(missing)?;
    let channel = rows.get::<Channel>(&post.channel).ok_or_else(missing)?;
    let mut info = Map::new();
    let has_joined = authority::is_channel_member(&rows, post.channel, caller.user);
    for (key, value) in [
        ("channel_id", channel.id.as_str()),
        ("channel_type", channel.place.letter()),
        ("channel_display_name", &channel.display_name),
    ] {
        info.insert(key.to_string(), value.into());
    }
    info.insert("has_joined_channel".to_string(), has_joined.into());
    let team_no = channel.place.team();
    let team = team_no.and_then(|team| rows.get::<Team>(&team));
    if let Some((team_no, team)) = team_no.zip(team) {
        let kind = if team.is_open { "O" } else { "I" };
        for (key, value) in [
            ("team_id", json!(team.id.as_str())),
            ("team_type", json!(kind)),
            ("team_display_name", json!(team.display_name)),
            (
                "has_joined_team",
                json!(authority::is_team_member(&rows, team_no, caller.user)),
            ),
        ] {
            info.insert(key.to_string(), value);
        }
    }
    Ok(Rendered::json(&Value::Object(info)))
}
