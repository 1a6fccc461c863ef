//! Shared channels and the workspaces they are shared with. Client API §11.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use causeway_kernel::authority;
use causeway_kernel::command::{Command, UnshareChannel};
use causeway_kernel::rows::lookup;
use causeway_kernel::sharing::direct;
use causeway_views::json::{self, Viewer, Views};
use causeway_views::query::sharing;

use super::answer::{ApiResult, Rendered};
use super::path::{Ids, Params};
use crate::app::{Caller, SharedApp};
use crate::http::ApiError;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/sharedchannels/remote_info/{remote_id}", get(remote_info))
        .route(
            "/sharedchannels/users/{user_id}/can_dm/{other_user_id}",
            get(can_dm),
        )
        .route("/sharedchannels/{team_id}", get(of_team))
        .route("/sharedchannels/{channel_id}/remotes", get(remotes))
        .route("/causeway/channels/{channel_id}/unshare", post(unshare))
}

async fn of_team(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
) -> ApiResult {
    let rows = app.rows();
    let team = ids.own_team(&rows, &caller)?;
    let admin = authority::is_system_admin(&rows, caller.user);
    let mut found = sharing::shared_channels(&rows, Some(team));
    found.retain(|(channel, _, _)| {
        admin
            || authority::is_channel_member(&rows, *channel, caller.user)
            || authority::may_share(&rows, *channel, caller.user)
    });
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let page = params.page().of(found);
    let list = json::list(&page, |(_, shared, channel)| {
        views.shared_channel(shared, channel)
    })?;
    Ok(Rendered::new(list))
}

async fn remotes(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let channel = ids.channel(&rows, &caller)?;
    let found = sharing::connections_of_channel(&rows, channel);
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let list = json::list(&found, |(_, row)| views.remote_cluster_info(row))?;
    Ok(Rendered::new(list))
}

async fn remote_info(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
) -> ApiResult {
    let rows = app.rows();
    let (_, row) = sharing::connection_by_id(&rows, ids.get("remote_id"))
        .filter(|(_, row)| row.delete_at == 0 || params.flag("include_deleted"))
        .filter(|(connection, _)| sharing::shares_channel(&rows, caller.user, *connection))
        .ok_or_else(|| {
            ApiError::new(
                StatusCode::NOT_FOUND,
                "api.context.remote_id_invalid.app_error",
                "There is no such secure connection.",
            )
        })?;
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    Ok(Rendered::new(json::text(&views.remote_cluster_info(&row))))
}

/// Ends the sharing of a channel with everybody. The reference has only a slash command for it.
async fn unshare(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let channel = ids.channel(&app.rows(), &caller)?;
    let command = Command::UnshareChannel(UnshareChannel { channel });
    app.act(caller.user, command).await?;
    Ok(Rendered::ok())
}

/// Whether a user may open a direct channel with another one.
async fn can_dm(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    ids.own_user(&rows, &caller)?;
    let other = lookup::user(&rows, ids.get("other_user_id"))
        .ok_or_else(|| ApiError::not_found("app.user.missing_account.const", "user"))?;
    let can_dm = direct::can_message(&rows, other);
    Ok(Rendered::json(&serde_json::json!({ "can_dm": can_dm })))
}
