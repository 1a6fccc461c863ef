//! Pictures of people. Client API §6.1.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use causeway_files::Kept;
use causeway_kernel::command::{Command, SetPicture};
use causeway_kernel::model::{Picture, User};
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::tx::Read;

use super::answer::{ApiResult, Rendered};
use super::path::Ids;
use crate::app::{Caller, SharedApp};
use crate::http::ApiError;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route(
            "/users/{user_id}/image",
            get(shown).post(set).delete(remove),
        )
        .route("/users/{user_id}/image/default", get(generated))
}

async fn shown(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let rows = app.rows();
    let user_no = ids.user(&rows, &caller)?;
    let own = rows.get::<Picture>(&user_no).filter(|it| !it.is_generated);
    let Some(own) = own else {
        return made(&app, user_no, &headers).await;
    };
    let changed_at_ms = rows
        .get::<User>(&user_no)
        .map_or(0, |user| user.last_picture_update);
    let tag = format!("\"{changed_at_ms}\"");
    if let Some(response) = unchanged(&headers, &tag) {
        return Ok(response);
    }
    match app.files.portrait(own.digest).await {
        Ok(png) => Ok(picture(tag, png)),
        Err(error) => {
            tracing::error!(%error, "the bytes of a picture of a person cannot be read");
            made(&app, user_no, &headers).await
        }
    }
}

async fn generated(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let user = ids.user(&app.rows(), &caller)?;
    made(&app, user, &headers).await
}

/// The picture that is generated from the name.
async fn made(app: &SharedApp, user: UserNo, headers: &HeaderMap) -> Result<Response, ApiError> {
    let user = app.rows().get::<User>(&user);
    let user = user.ok_or_else(ApiError::internal)?;
    let tag = format!("\"{} {}\"", user.id, user.username);
    if let Some(response) = unchanged(headers, &tag) {
        return Ok(response);
    }
    let png = app
        .files
        .generated_portrait(&user.username, user.id.as_str());
    Ok(picture(tag, png.await?))
}

/// The response to a client that has the picture with this tag.
fn unchanged(headers: &HeaderMap, tag: &str) -> Option<Response> {
    let held = headers.get(IF_NONE_MATCH)?.to_str().ok()?;
    let is_held = held.split(',').any(|one| one.trim() == tag);
    is_held.then(|| (StatusCode::NOT_MODIFIED, [(ETAG, tag.to_string())]).into_response())
}

fn picture(tag: String, png: Vec<u8>) -> Response {
    let headers = [
        (CONTENT_TYPE, "image/png".to_string()),
        (CACHE_CONTROL, "private, no-cache".to_string()),
        (ETAG, tag),
    ];
    (headers, png).into_response()
}

async fn set(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    request: Request,
) -> ApiResult {
    let user = local(&app, &caller, &ids)?;
    let (parts, body) = request.into_parts();
    let incoming = app.files.receive_portrait(&parts.headers, body).await?;
    let kept = app.files.keep_portrait(incoming).await?;
    give(&app, caller.user, (user, false), kept).await
}

/// The user has none any more: peers, who cannot be told so, get the one that clients see here instead.
async fn remove(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let user_no = local(&app, &caller, &ids)?;
    let rows = app.rows();
    let user = rows
        .get::<User>(&user_no)
        .filter(|user| user.last_picture_update != 0);
    let Some(user) = user else {
        return Ok(Rendered::ok());
    };
    let png = app
        .files
        .generated_portrait(&user.username, user.id.as_str());
    let kept = app.files.keep_bytes(png.await?).await?;
    give(&app, caller.user, (user_no, true), kept).await
}

/// The user of the path, if the caller may set the picture. The kernel checks it again; this spares receiving one
/// in vain.
fn local(app: &SharedApp, caller: &Caller, ids: &Ids) -> Result<UserNo, ApiError> {
    let rows = app.rows();
    let user = ids.own_user(&rows, caller)?;
    let is_local = rows
        .get::<User>(&user)
        .is_some_and(|user| user.origin.is_ours());
    is_local.then_some(user).ok_or_else(ApiError::forbidden)
}

async fn give(
    app: &SharedApp,
    actor: UserNo,
    (user, is_generated): (UserNo, bool),
    kept: Kept,
) -> ApiResult {
    let command = Command::SetPicture(SetPicture {
        user,
        digest: kept.digest().to_string(),
        size: kept.size(),
        is_generated,
    });
    // Not cancelled with the request: until the command is carried out, its bytes must not be swept.
    let giving = tokio::spawn(carry_out(Arc::clone(app), actor, command, kept));
    giving.await.map_err(|_| ApiError::internal())??;
    Ok(Rendered::ok())
}

async fn carry_out(
    app: SharedApp,
    actor: UserNo,
    command: Command,
    _kept: Kept,
) -> Result<(), ApiError> {
    app.act(actor, command).await.map(drop)
}
