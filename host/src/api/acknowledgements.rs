//! Acknowledgements of posts. Client API §6.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use causeway_kernel::command::{AcknowledgePost, Command, WithdrawAcknowledgement};
use causeway_kernel::rows::id::PostNo;
use causeway_kernel::rows::lookup;

use super::answer::{ApiResult, Rendered};
use super::path::Ids;
use crate::app::{App, Caller, SharedApp};
use crate::http::ApiError;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    let path = "/users/{user_id}/posts/{post_id}/ack";
    Router::new().route(path, post(acknowledge).delete(withdraw))
}

/// The post of the path. The kernel checks whether the caller may read it; an unknown post is reported like a
/// forbidden one.
fn post_of(app: &App, caller: &Caller, ids: &Ids) -> Result<PostNo, ApiError> {
    let rows = app.rows();
    ids.caller_alone(&rows, caller)?;
    lookup::post(&rows, ids.get("post_id")).ok_or_else(ApiError::forbidden)
}

async fn acknowledge(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let post = post_of(&app, &caller, &ids)?;
    let command = Command::AcknowledgePost(AcknowledgePost { post });
    let object = app.act(caller.user, command).await?;
    app.show(caller.user, object.as_ref()).map(Rendered::new)
}

async fn withdraw(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let post = post_of(&app, &caller, &ids)?;
    let command = Command::WithdrawAcknowledgement(WithdrawAcknowledgement { post });
    app.act(caller.user, command).await?;
    Ok(Rendered::ok())
}
