//! Channels that other workspaces offer, where administrators here are asked first. Not in the reference.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use causeway_kernel::authority;
use causeway_kernel::command::{AnswerChannelInvitation, Command};
use causeway_kernel::rows::id::Id;
use causeway_views::json::{self, ChannelInvitationView};
use causeway_views::query::sharing;

use super::answer::{ApiResult, Rendered};
use super::connections::live;
use super::path::{Ids, Params};
use crate::app::{Caller, SharedApp};
use crate::http::ApiError;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    const LIST: &str = "/remotecluster/{remote_id}/channel_invitations";
    Router::new()
        .route(LIST, get(list))
        .route(&format!("{LIST}/{{channel_id}}/accept"), post(accept))
        .route(&format!("{LIST}/{{channel_id}}/decline"), post(decline))
}

async fn list(State(app): State<SharedApp>, caller: Caller, ids: Ids, params: Params) -> ApiResult {
    let rows = app.rows();
    authority::require_connections(&rows, caller.actor())?;
    let connection = live(&rows, &ids)?;
    let mut found = sharing::channel_invitations(&rows, connection);
    found.sort_by_key(|(id, row)| (row.since, *id));
    let page = params.page().of(found);
    let list = json::list(&page, |(id, row)| ChannelInvitationView::of(*id, row))?;
    Ok(Rendered::new(list))
}

async fn accept(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    answer(&app, &caller, &ids, true).await
}

async fn decline(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    answer(&app, &caller, &ids, false).await
}

async fn answer(app: &SharedApp, caller: &Caller, ids: &Ids, accept: bool) -> ApiResult {
    let rows = app.rows();
    authority::require_connections(&rows, caller.actor())?;
    let connection = live(&rows, ids)?;
    drop(rows);
    let channel = Id::parse(ids.get("channel_id"));
    let command = Command::AnswerChannelInvitation(AnswerChannelInvitation {
        connection,
        channel: channel.ok_or_else(|| ApiError::invalid_url_param("channel_id"))?,
        accept,
    });
    app.act(caller.user, command).await?;
    Ok(Rendered::ok())
}
