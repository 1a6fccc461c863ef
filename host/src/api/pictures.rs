//! Profile pictures. Client API §6.1.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use causeway_files::Kept;
use causeway_kernel::command::{Command, SetPicture};
use causeway_kernel::model::{Picture, User};
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::tx::Read;

use super::answer::{ApiResult, Rendered, unchanged};
use super::path::Ids;
use crate::app::{Caller, SharedApp};
use crate::files;
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
    let (user_no, user) = whose(&app, &caller, &ids)?;
    let own = app.rows().get::<Picture>(&user_no);
    let Some(own) = own.filter(|it| !it.is_generated) else {
        return made(&app, &user, &headers).await;
    };
    let tag = format!("\"{}\"", user.last_picture_update);
    if let Some(response) = unchanged(&headers, &tag) {
        return Ok(response);
    }
    match app.files.profile_picture(own.digest).await {
        Ok(png) => Ok(picture(tag, png)),
        Err(error) => {
            tracing::error!(%error, "the bytes of a profile picture cannot be read");
            made(&app, &user, &headers).await
        }
    }
}

async fn generated(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (_, user) = whose(&app, &caller, &ids)?;
    made(&app, &user, &headers).await
}

/// The user of the path.
fn whose(app: &SharedApp, caller: &Caller, ids: &Ids) -> Result<(UserNo, User), ApiError> {
    let rows = app.rows();
    let no = ids.user(&rows, caller)?;
    let user = rows.get::<User>(&no).ok_or_else(ApiError::internal)?;
    Ok((no, user))
}

/// The picture that is generated from the name.
async fn made(app: &SharedApp, user: &User, headers: &HeaderMap) -> Result<Response, ApiError> {
    let tag = format!("\"{} {}\"", user.id, user.username);
    if let Some(response) = unchanged(headers, &tag) {
        return Ok(response);
    }
    let png = app.files.generated_profile_picture(user).await?;
    Ok(picture(tag, png))
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
    let (user, _) = local(&app, &caller, &ids)?;
    let (parts, body) = request.into_parts();
    let incoming = app
        .files
        .receive_profile_picture(&parts.headers, body)
        .await?;
    let kept = app.files.keep_profile_picture(incoming).await?;
    give(&app, caller.user, (user, false), kept).await
}

/// The user has none any more: peers, who cannot be told so, get the one that clients see here instead.
async fn remove(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let (user_no, user) = local(&app, &caller, &ids)?;
    if user.last_picture_update == 0 {
        return Ok(Rendered::ok());
    }
    let png = app.files.generated_profile_picture(&user).await?;
    let kept = app.files.keep_bytes(png).await?;
    give(&app, caller.user, (user_no, true), kept).await
}

/// The user of the path, if the caller may set the picture. The kernel checks it again; this spares receiving one
/// in vain.
fn local(app: &SharedApp, caller: &Caller, ids: &Ids) -> Result<(UserNo, User), ApiError> {
    let rows = app.rows();
    let no = ids.own_user(&rows, caller)?;
    let user = rows.get::<User>(&no).filter(|user| user.origin.is_ours());
    Ok((no, user.ok_or_else(ApiError::forbidden)?))
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
    files::act_with(app, actor, command, kept).await?;
    Ok(Rendered::ok())
}
