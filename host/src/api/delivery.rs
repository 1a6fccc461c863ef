//! What connected workspaces are still to get of posts. Not part of Mattermost's API; see `docs/admin-api.md`.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use causeway_engine::Snapshot;
use causeway_kernel::authority;
use causeway_kernel::model::Post;
use causeway_kernel::outbound::delivery::{self, Delivery, Peer};
use causeway_kernel::rows::id::{ChannelNo, PostNo};
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{self, Viewer, Views};

use super::answer::{ApiResult, Rendered};
use super::path::Ids;
use crate::app::{App, Caller, SharedApp};
use crate::http::ApiError;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/posts/{post_id}/causeway/delivery", get(of_post))
        .route(
            "/channels/{channel_id}/causeway/undelivered",
            get(undelivered),
        )
}

async fn of_post(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let post = ids.post(&rows, &caller)?;
    post_shown(&app, &rows, &caller, post).map(Rendered::new)
}

/// The caller's posts of a channel that are not yet everywhere.
async fn undelivered(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let channel = ids.channel(&rows, &caller)?;
    undelivered_shown(&app, &rows, &caller, channel).map(Rendered::new)
}

/// A post that the caller may read, and how it stands at the peers of its channel, as JSON.
///
/// # Errors
/// 404 when there is no such post, 403 if the caller neither wrote it nor administers its channel or the
/// workspace.
pub fn post_shown(
    app: &App,
    rows: &Snapshot,
    caller: &Caller,
    no: PostNo,
) -> Result<String, ApiError> {
    let post = rows
        .get::<Post>(&no)
        .ok_or_else(|| ApiError::not_found("app.post.get.app_error", "post"))?;
    if !authority::may_see_delivery(rows, &post, caller.user) {
        return Err(ApiError::forbidden());
    }
    let peers = peers(app, rows, post.channel);
    let now_ms = app.engine.now_ms();
    let stand = |peer| delivery::at_peer(rows, peer, (no, &post), now_ms);
    let deliveries: Vec<Delivery> = peers.iter().map(stand).collect();
    let views = Views::new(rows, Viewer::of(rows, caller.user));
    let view = views.post_delivery((no, &post), peers.iter().zip(&deliveries));
    Ok(json::bounded(&view)?)
}

/// The caller's posts of a channel that are not yet everywhere, as JSON.
///
/// # Errors
/// 400 when they are more than an answer holds.
pub fn undelivered_shown(
    app: &App,
    rows: &Snapshot,
    caller: &Caller,
    channel: ChannelNo,
) -> Result<String, ApiError> {
    let peers = peers(app, rows, channel);
    let now_ms = app.engine.now_ms();
    let found = delivery::undelivered(rows, (channel, caller.user), &peers, now_ms);
    let views = Views::new(rows, Viewer::of(rows, caller.user));
    Ok(json::bounded(&views.undelivered(&found, &peers))?)
}

fn peers(app: &App, rows: &Snapshot, channel: ChannelNo) -> Vec<Peer> {
    delivery::peers(rows, channel, |no, row| app.federation.is_online(no, row))
}
