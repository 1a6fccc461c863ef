//! Files: uploading and reading them. Client API §6.5, §8.

mod form;
mod serve;
mod uploads;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{get, post};
use causeway_kernel::authority;
use causeway_kernel::boundary::env::Rows;
use causeway_kernel::boundary::output::Object;
use causeway_kernel::model::File;
use causeway_kernel::rows::id::ChannelNo;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{Viewer, Views, text};
use serde::Serialize;
use serde_json::value::RawValue;

use super::answer::{ApiResult, Rendered};
use super::path::{Ids, Params};
use crate::app::{App, Caller, SharedApp};
use crate::files::{add, receive, too_large, unreadable};
use crate::http::ApiError;

/// Routes of files.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/files", post(upload))
        .route("/files/{file_id}", get(serve::file))
        .route("/files/{file_id}/info", get(info))
        .route("/files/{file_id}/link", get(link))
        .route("/files/{file_id}/preview", get(serve::preview))
        .route("/files/{file_id}/thumbnail", get(serve::thumbnail))
        .merge(uploads::routes())
}

/// What an upload made.
#[derive(Serialize)]
struct Uploaded {
    file_infos: Vec<Box<RawValue>>,
    client_ids: Vec<String>,
}

/// Refuses files if they are switched off.
fn require_enabled(app: &App) -> Result<(), ApiError> {
    if app.files.settings.enable_file_attachments {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::FORBIDDEN,
        "api.file.attachments.disabled.app_error",
        "Files are switched off in this workspace.",
    ))
}

/// The channel with an id, if the caller may add files to it. The kernel checks it again; this spares
/// receiving a file in vain.
fn writable(app: &App, caller: &Caller, id: &str) -> Result<ChannelNo, ApiError> {
    if id.is_empty() {
        return Err(ApiError::invalid_body("channel_id"));
    }
    let rows = app.rows();
    let channel = lookup::channel(&rows, id).ok_or_else(ApiError::forbidden)?;
    let row = rows.channel(channel).ok_or_else(ApiError::forbidden)?;
    authority::require_write(&rows, channel, &row, caller.user)?;
    Ok(channel)
}

async fn upload(
    State(app): State<SharedApp>,
    caller: Caller,
    params: Params,
    request: Request,
) -> ApiResult {
    require_enabled(&app)?;
    let content_type = request.headers().get(CONTENT_TYPE);
    let content_type = content_type
        .and_then(|it| it.to_str().ok())
        .unwrap_or_default()
        .to_string();
    let made = if content_type.starts_with("multipart/") {
        form::upload(
            &app,
            &caller,
            params.get("channel_id"),
            &content_type,
            request.into_body(),
        )
        .await?
    } else {
        raw(&app, &caller, &params, request).await?
    };
    Ok(Rendered::created(text(&made)))
}

/// A body that is the file.
async fn raw(
    app: &SharedApp,
    caller: &Caller,
    params: &Params,
    request: Request,
) -> Result<Uploaded, ApiError> {
    let channel = writable(app, caller, params.get("channel_id"))?;
    let name = params.get("filename").to_string();
    let body = request.into_body();
    let bytes_max = app.files.settings.max_file_size;
    let too_large = too_large(&app.files.settings);
    if body.size_hint().lower() > bytes_max {
        return Err(too_large);
    }
    let incoming = app.files.on_disk(|store| store.receive()).await?;
    let incoming = receive::receive(incoming, receive::paced(body), bytes_max, too_large).await?;
    if incoming.size() == 0 {
        return Err(unreadable());
    }
    let made = add(app, caller.user, channel, name, incoming).await?;
    Ok(Uploaded {
        file_infos: vec![shown(app, caller, made.as_ref())?],
        client_ids: Vec::new(),
    })
}

fn shown(app: &App, caller: &Caller, made: Option<&Object>) -> Result<Box<RawValue>, ApiError> {
    RawValue::from_string(app.show(caller.user, made)?).map_err(|_| ApiError::internal())
}

impl Ids {
    /// The file of `{file_id}`, if the caller may read it.
    ///
    /// # Errors
    /// 404 when there is none, 403 when it is hidden.
    pub(super) fn file(&self, rows: &impl Read, caller: &Caller) -> Result<File, ApiError> {
        let file = lookup::file(rows, self.get("file_id"));
        let file = file.and_then(|file| rows.get::<File>(&file));
        let file =
            file.ok_or_else(|| ApiError::not_found("app.file_info.get.app_error", "file"))?;
        if authority::may_read_file(rows, &file, caller.user) {
            Ok(file)
        } else {
            Err(ApiError::forbidden())
        }
    }
}

async fn info(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let file = ids.file(&rows, &caller)?;
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    Ok(Rendered::new(text(&views.file(&file))))
}

/// There are no links that work without a session.
async fn link(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    ids.file(&app.rows(), &caller)?;
    Err(ApiError::new(
        StatusCode::NOT_IMPLEMENTED,
        "api.file.get_public_link.disabled.app_error",
        "Public links are switched off in this workspace.",
    ))
}
