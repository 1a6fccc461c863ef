//! Status of the recording, holds and session exports, for administrators. Not part of Mattermost's API; see
//! `docs/admin-api.md`.

use std::fs::File;
use std::io::Read as _;

use crate::export_log;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use bytes::Bytes;
use causeway_engine::RecordingStatus;
use causeway_engine::hold::Hold;
use causeway_kernel::model::User;
use causeway_kernel::rows::tx::Read;
use causeway_session::ExportError;
use causeway_session::file::format::Selection;
use http_body_util::channel::Channel;
use serde::{Deserialize, Serialize};

use super::answer::{ApiResult, Rendered};
use crate::app::{App, Caller, SharedApp};
use crate::export::ExportRequest;
use crate::http::{ApiError, Json};

/// Maximum exports in a response; the newest are returned.
const EXPORTS_MAX: usize = 200;
/// Maximum bytes of a reason.
const REASON_BYTES_MAX: usize = 1_000;
/// Bytes read from a session at once.
const CHUNK_BYTES: usize = 64 << 10;
/// Maximum chunks waiting for a slow client.
const CHUNKS_MAX: usize = 4;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/causeway/journal", get(journal))
        .route("/causeway/journal/hold", put(hold).delete(release))
        .route("/causeway/exports", get(exports).post(export))
}

/// Runs disk work that may take a while.
async fn on_disk<T: Send + 'static>(
    app: &SharedApp,
    work: impl FnOnce(&App) -> anyhow::Result<T> + Send + 'static,
) -> Result<T, ApiError> {
    let app = app.clone();
    let done = tokio::task::spawn_blocking(move || work(&app)).await;
    done.map_err(anyhow::Error::from)
        .and_then(|done| done)
        .map_err(|error| refusal(&error))
}

fn refusal(error: &anyhow::Error) -> ApiError {
    match error.downcast_ref() {
        Some(error @ (ExportError::Empty | ExportError::Nothing(_))) => ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.causeway.export.empty.app_error",
            error.to_string(),
        ),
        _ => {
            tracing::error!(error = format!("{error:#}"), "accessing the journal failed");
            ApiError::internal()
        }
    }
}

fn shown<T: Serialize>(value: &T) -> ApiResult {
    let text = serde_json::to_string(value).map_err(|_| ApiError::internal())?;
    Ok(Rendered::new(text))
}

async fn journal(State(app): State<SharedApp>, caller: Caller) -> ApiResult {
    caller.require_admin(&app.rows())?;
    let status = on_disk(&app, |app| Ok(RecordingStatus::of(&app.settings.data)?)).await?;
    shown(&status)
}

#[derive(Deserialize)]
struct HoldBody {
    reason: String,
    until_ms: Option<i64>,
}

/// Stops dropping of journal entries. Responds with the hold in force.
async fn hold(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<HoldBody>,
) -> ApiResult {
    caller.require_admin(&app.rows())?;
    let hold = Hold {
        reason: reason(body.reason)?,
        until_ms: body.until_ms,
        bytes_max: None,
    };
    let stands = on_disk(&app, move |app| {
        hold.set(&app.settings.data)?;
        Ok(Hold::read(&app.settings.data)?)
    });
    shown(&stands.await?)
}

async fn release(State(app): State<SharedApp>, caller: Caller) -> ApiResult {
    caller.require_admin(&app.rows())?;
    on_disk(&app, |app| Ok(Hold::release(&app.settings.data)?)).await?;
    Ok(Rendered::ok())
}

fn reason(text: String) -> Result<String, ApiError> {
    if text.len() > REASON_BYTES_MAX {
        return Err(ApiError::invalid_body("reason"));
    }
    Ok(text)
}

/// The newest entries of the export register, oldest first.
async fn exports(State(app): State<SharedApp>, caller: Caller) -> ApiResult {
    caller.require_admin(&app.rows())?;
    let mut entries = on_disk(&app, |app| Ok(export_log::read(&app.settings.data)?)).await?;
    let surplus = entries.len().saturating_sub(EXPORTS_MAX);
    shown(&entries.split_off(surplus))
}

#[derive(Deserialize)]
struct ExportBody {
    from_ms: Option<i64>,
    to_ms: Option<i64>,
    connection_id: Option<String>,
    channel_id: Option<String>,
    #[serde(default)]
    is_plain: bool,
    #[serde(default)]
    reason: String,
}

/// Creates a session and sends it. It is in the register before its first byte is sent.
async fn export(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<ExportBody>,
) -> Result<Response, ApiError> {
    let rows = app.rows();
    caller.require_admin(&rows)?;
    let Ok(_one_at_a_time) = app.exporting.try_lock() else {
        return Err(ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "api.causeway.export.busy.app_error",
            "Another export is in progress; try again when it has finished.",
        ));
    };
    let user = rows.get::<User>(&caller.user);
    let request = ExportRequest {
        selection: Selection {
            from_ms: body.from_ms,
            to_ms: body.to_ms,
            connection: body.connection_id,
            channel: body.channel_id,
        },
        is_plain: body.is_plain,
        who: user.map(|user| user.username).unwrap_or_default(),
        reason: reason(body.reason)?,
        file: "sent by the API".into(),
        at_ms: app.engine.now_ms(),
    };
    let (file, length) = on_disk(&app, move |app| {
        let data = &app.settings.data;
        // The file has no name, so it disappears with the response, however that ends.
        let file = tempfile::tempfile_in(data)?;
        let exported = request.write(data, &file, || {})?;
        request.note(data, &exported)?;
        let length = file.metadata()?.len();
        Ok((file, length))
    })
    .await?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_string()),
        (CONTENT_LENGTH, length.to_string()),
        (
            CONTENT_DISPOSITION,
            "attachment; filename=\"causeway.session\"".to_string(),
        ),
    ];
    Ok((headers, body_of(file)).into_response())
}

/// Streams the bytes of a file as the client reads them.
fn body_of(mut file: File) -> Body {
    let (mut sender, body) = Channel::<Bytes, std::io::Error>::new(CHUNKS_MAX);
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let sent = (|| -> std::io::Result<()> {
            std::io::Seek::rewind(&mut file)?;
            loop {
                let mut chunk = vec![0; CHUNK_BYTES];
                let read = file.read(&mut chunk)?;
                chunk.truncate(read);
                // The client has disconnected.
                if read == 0 || runtime.block_on(sender.send_data(chunk.into())).is_err() {
                    return Ok(());
                }
            }
        })();
        if let Err(error) = sent {
            sender.abort(error);
        }
    });
    Body::new(body)
}
