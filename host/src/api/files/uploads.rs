//! Uploads in several requests: one that was interrupted continues where it was. Client API §8; the routes and
//! their errors are those of the reference.

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use causeway_files::{UPLOADS_OF_USER_MAX, Upload, UploadError};
use causeway_kernel::model::User;
use causeway_kernel::model::limits::FILE_NAME_CHARS_MAX;
use causeway_kernel::rows::tx::Read;
use causeway_views::json::text;
use serde::{Deserialize, Serialize};

use super::{require_enabled, writable};
use crate::api::answer::{ApiResult, Rendered};
use crate::api::path::Ids;
use crate::app::{App, Caller, SharedApp};
use crate::files::{add_kept, receive, unreadable, upload_refusal};
use crate::http::{ApiError, Json, random_id};

/// Maximum bytes of a file's name as a client sends it: with characters of four bytes, and a path.
const NAME_BYTES_MAX: usize = 8 * FILE_NAME_CHARS_MAX;

pub(super) fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/uploads", post(begin))
        .route("/uploads/{upload_id}", get(state).post(proceed))
        .route("/users/{user_id}/uploads", get(of_user))
}

#[derive(Deserialize)]
struct BeginBody {
    channel_id: Option<String>,
    filename: Option<String>,
    file_size: Option<u64>,
}

/// An upload as clients see it.
#[derive(Serialize)]
struct UploadView<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    create_at: i64,
    user_id: &'a str,
    channel_id: &'a str,
    filename: &'a str,
    file_size: u64,
    file_offset: u64,
    remote_id: &'static str,
    req_file_id: &'static str,
}

fn view(upload: &Upload, received: u64) -> UploadView<'_> {
    UploadView {
        id: &upload.id,
        kind: "attachment",
        create_at: upload.create_at,
        user_id: &upload.user_id,
        channel_id: &upload.channel_id,
        filename: &upload.filename,
        file_size: upload.file_size,
        file_offset: received,
        remote_id: "",
        req_file_id: "",
    }
}

fn user_id(app: &App, caller: &Caller) -> Result<String, ApiError> {
    let user = app.rows().get::<User>(&caller.user);
    user.map(|user| user.id.to_string())
        .ok_or_else(ApiError::internal)
}

async fn begin(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<BeginBody>,
) -> ApiResult {
    require_enabled(&app)?;
    let channel_id = body.channel_id.unwrap_or_default();
    writable(&app, &caller, &channel_id)?;
    let name = body
        .filename
        .filter(|name| !name.is_empty() && name.len() <= NAME_BYTES_MAX);
    let size = body.file_size.filter(|size| *size > 0);
    let upload = Upload {
        id: random_id().to_string(),
        user_id: user_id(&app, &caller)?,
        channel_id,
        filename: name.ok_or_else(|| ApiError::invalid_body("filename"))?,
        file_size: size.ok_or_else(|| ApiError::invalid_body("file_size"))?,
        create_at: app.engine.now_ms(),
    };
    let bytes_max = app.files.settings.max_file_size;
    if upload.file_size > bytes_max {
        return Err(ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "api.upload.create.upload_too_large.app_error",
            format!("The file is larger than the {bytes_max} bytes allowed here."),
        ));
    }
    let rendered = text(&view(&upload, 0));
    let begun = app
        .files
        .on_disk(move |store| Ok(store.begin_upload(&upload)));
    begun.await?.map_err(|error| refusal(&error))?;
    Ok(Rendered::created(rendered))
}

async fn state(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let (user, id) = (user_id(&app, &caller)?, ids.get("upload_id").to_string());
    let found = app.files.on_disk(move |store| Ok(store.upload(&user, &id)));
    let (upload, received) = found.await?.ok_or_else(|| refusal(&UploadError::Unknown))?;
    Ok(Rendered::new(text(&view(&upload, received))))
}

async fn of_user(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    ids.caller_alone(&app.rows(), &caller)?;
    let user = user_id(&app, &caller)?;
    let found = app
        .files
        .on_disk(move |store| store.uploads_of(&user))
        .await?;
    let views: Vec<_> = found
        .iter()
        .map(|(upload, received)| view(upload, *received))
        .collect();
    Ok(Rendered::new(text(&views)))
}

/// Receives further bytes: 204 if there are more to come, otherwise the file.
async fn proceed(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    request: Request,
) -> Result<Response, ApiError> {
    require_enabled(&app)?;
    let (user, id) = (user_id(&app, &caller)?, ids.get("upload_id").to_string());
    let opened = app
        .files
        .on_disk(move |store| Ok(store.open_upload(&user, &id)));
    let mut open = opened.await?.map_err(|error| refusal(&error))?;
    let channel = writable(&app, &caller, &open.upload.channel_id)?;
    let content_type = request.headers().get(CONTENT_TYPE);
    if content_type.is_some_and(|it| it.as_bytes().starts_with(b"multipart/")) {
        return Err(unreadable());
    }
    let size = open.upload.file_size;
    let left = size.saturating_sub(open.incoming.size());
    let too_many = ApiError::new(
        StatusCode::BAD_REQUEST,
        "api.upload.upload_data.invalid_content_length",
        format!(
            "Only {left} bytes of the file are missing; send those from the upload's file_offset on."
        ),
    );
    let body = request.into_body();
    if body.size_hint().lower() > left {
        return Err(too_many);
    }
    open.incoming = receive::receive(open.incoming, receive::paced(body), left, too_many).await?;
    if open.incoming.size() < size {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let name = open.upload.filename.clone();
    let dimensions = app.files.dimensions(&name, &open.incoming).await;
    let kept = app.files.on_disk(|store| store.finish_upload(open)).await?;
    let made = add_kept(&app, caller.user, channel, name, dimensions, kept).await?;
    Ok(Rendered::new(app.show(caller.user, made.as_ref())?).into_response())
}

fn refusal(error: &UploadError) -> ApiError {
    upload_refusal(error, || {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "app.upload.create.save.app_error",
            format!(
                "{UPLOADS_OF_USER_MAX} of your uploads are unfinished; finish some of them. What gets no \
                 bytes for a day is removed."
            ),
        )
    })
}
