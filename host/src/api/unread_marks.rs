//! Marking a channel as unread from a post on. Client API §6.4.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use causeway_kernel::command::{Command, MarkUnread};
use causeway_kernel::model::{ChannelMember, Post};
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{Viewer, Views};
use causeway_views::query::unread;
use serde_json::json;

use super::answer::{ApiResult, Rendered};
use super::path::Ids;
use crate::app::{Caller, SharedApp};
use crate::http::ApiError;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new().route(
        "/users/{user_id}/posts/{post_id}/set_unread",
        post(set_unread),
    )
}

/// The counts in the answer are those of the membership, as in the reference: `msg_count` is what has been seen.
async fn set_unread(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let user = ids.caller_alone(&rows, &caller)?;
    let post = ids.post(&rows, &caller)?;
    drop(rows);
    let command = Command::MarkUnread(MarkUnread { post });
    app.act(user, command).await?;
    let rows = app.rows();
    let row = rows.get::<Post>(&post).ok_or_else(ApiError::internal)?;
    let channel_no = row.channel;
    let member = rows.get::<ChannelMember>(&(channel_no, user));
    let member = member.ok_or_else(ApiError::forbidden)?;
    let mentioned = unread::mentioned(&rows, channel_no, user, &member);
    let views = Views::new(&rows, Viewer::of(&rows, user));
    let (channel_id, team_id) = (
        views.channel_id(channel_no),
        views.team_id_of_channel(channel_no),
    );
    let counts = json!({
        "msg_count": member.msg_count,
        "msg_count_root": member.root_msg_count,
        "mention_count": mentioned.count,
        "mention_count_root": mentioned.root_count,
        "urgent_mention_count": 0,
        "last_viewed_at": member.last_viewed_at,
    });
    let with = |more: serde_json::Value| {
        let mut whole = counts.clone();
        if let (Some(whole), serde_json::Value::Object(more)) = (whole.as_object_mut(), more) {
            whole.extend(more);
        }
        whole
    };
    let told = with(json!({ "post_id": ids.get("post_id") }));
    app.tell_user(user, "post_unread", &told, (&channel_id, &team_id));
    Ok(Rendered::json(&with(json!({
        "team_id": team_id,
        "user_id": views.user_id(user),
        "channel_id": channel_id,
    }))))
}
