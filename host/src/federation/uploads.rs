//! Takes the bytes of peers' files. Protocol §5.6.
//!
//! The workspace knows which files were announced; the bytes of one that is not complete lie in the store, under
//! the connection's id, and continue after an interruption of the peer's or of this service's.

use std::sync::Arc;

use axum::body::HttpBody;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use causeway_files::{OpenUpload, UploadError};
use causeway_kernel::boundary::input::{Input, UploadProgress};
use causeway_kernel::model::Upload;
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::rows::tx::Read;

use super::client::FILE_DIGEST_HEADER;
use super::gate::{self, PeerCaller};
use super::{Federation, endpoints, pinger};
use crate::files::{receive, reserve, unreadable, upload_refusal};
use crate::http::ApiError;

/// Bytes of the first part of a file that comes in several, as in the reference.
const FIRST_PART_BYTES_MIN: u64 = 5 << 20;

/// Receives bytes of an announced file: 204 if there are more to come, otherwise the file.
pub(super) async fn upload(
    State(federation): State<Federation>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let caller = gate::admit(&federation, &parts)?.confirmed()?;
    if !federation.inner.files.settings.enable_file_attachments {
        return Err(ApiError::new(
            StatusCode::NOT_IMPLEMENTED,
            "api.file.attachments.disabled.app_error",
            "File attachments have been disabled on this server.",
        ));
    }
    let id = Id::parse(&id).ok_or_else(|| ApiError::invalid_url_param("upload_id"))?;
    let announced = federation
        .snapshot()
        .get::<Upload>(&(caller.connection, id));
    let announced = announced.ok_or_else(|| refusal(&UploadError::Unknown))?;
    pinger::heard(&federation, caller.connection);
    let content_type = parts.headers.get(CONTENT_TYPE);
    if content_type.is_some_and(|it| it.as_bytes().starts_with(b"multipart/")) {
        return Err(unreadable());
    }
    let left = announced.size.saturating_sub(announced.offset);
    let too_many = ApiError::new(
        StatusCode::BAD_REQUEST,
        "api.upload.upload_data.invalid_content_length",
        format!(
            "Only {left} bytes of the file are missing; send those from the upload's file_offset on."
        ),
    );
    if body.size_hint().lower() > left {
        return Err(too_many);
    }
    let mut open = open(&federation, caller, id, &announced).await?;
    if open.incoming.size() != announced.offset {
        // Bytes were lost with the disk or its cache.
        part(&federation, caller, id, open.incoming.size()).await?;
        return Err(out_of_step());
    }
    let received = receive::receive(open.incoming, receive::paced(body), left, too_many).await;
    match received {
        Ok(incoming) => open.incoming = incoming,
        Err(error) => {
            let held = held(&federation, caller, id).await;
            part(&federation, caller, id, held).await?;
            return Err(error);
        }
    }
    let size = open.incoming.size();
    if size < announced.size {
        let is_first = announced.offset == 0;
        if is_first && size < FIRST_PART_BYTES_MIN {
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "app.upload.upload_data.first_part_too_small.app_error",
                "The first part of a file must have 5 MiB, unless it is the whole file.",
            ));
        }
        part(&federation, caller, id, size).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let told = parts.headers.get(FILE_DIGEST_HEADER);
    if told.is_some_and(|told| told.as_bytes() != open.incoming.digest().as_bytes()) {
        // Nobody knows which bytes are wrong.
        part(&federation, caller, id, 0).await?;
        return Err(out_of_step());
    }
    finish(federation, caller.connection, id, announced.name, open).await
}

/// Opens the place for the bytes, after those that the workspace knows of.
async fn open(
    federation: &Federation,
    caller: PeerCaller,
    id: Id,
    announced: &Upload,
) -> Result<OpenUpload, ApiError> {
    let described = causeway_files::Upload {
        id: id.into(),
        user_id: caller.remote_id.into(),
        channel_id: String::new(),
        filename: String::new(),
        file_size: announced.size,
        create_at: announced.create_at,
    };
    let offset = announced.offset;
    let missing = announced.size.saturating_sub(offset);
    let snapshot = federation.snapshot();
    let connection = caller.connection;
    let opened = federation.inner.files.on_disk(move |store| {
        reserve(store, missing)?;
        let is_announced =
            |id: &str| Id::parse(id).is_some_and(|id| snapshot.has::<Upload>(&(connection, id)));
        let folder = described.user_id.as_str();
        if store.upload(folder, &described.id).is_none() {
            // What the peer announced before and gave up makes room.
            store.retain_uploads(folder, is_announced)?;
            if let Err(error) = store.begin_upload(&described) {
                return Ok(Err(error));
            }
        }
        Ok(store.open_upload_at(folder, &described.id, offset))
    });
    opened.await?.map_err(|error| refusal(&error))
}

/// Bytes that are held of an upload.
async fn held(federation: &Federation, caller: PeerCaller, id: Id) -> u64 {
    let held = federation.inner.files.on_disk(move |store| {
        let found = store.upload(caller.remote_id.as_str(), id.as_str());
        Ok(found.map_or(0, |(_, received)| received))
    });
    held.await.unwrap_or(0)
}

/// Tells the workspace how much is held, so that the peer continues there.
async fn part(
    federation: &Federation,
    caller: PeerCaller,
    id: Id,
    offset: u64,
) -> Result<(), ApiError> {
    let progress = UploadProgress::Part { offset };
    let input = Input::Upload {
        connection: caller.connection,
        upload: id,
        progress,
    };
    federation.submit(input).await?;
    Ok(())
}

/// Keeps the bytes of a file that is complete, and hands it to the workspace.
async fn finish(
    federation: Federation,
    connection: ConnectionNo,
    id: Id,
    name: String,
    open: OpenUpload,
) -> Result<Response, ApiError> {
    let files = Arc::clone(&federation.inner.files);
    let dimensions = files.dimensions(&name, &open.incoming).await;
    let kept = files.on_disk(|store| store.finish_upload(open)).await?;
    let digest = kept.digest().to_string();
    let input = Input::Upload {
        connection,
        upload: id,
        progress: UploadProgress::Whole { digest, dimensions },
    };
    endpoints::hand_over(&federation, input, kept).await
}

/// What is held is not what the sender believes: it has to ask again.
fn out_of_step() -> ApiError {
    ApiError::new(
        StatusCode::REQUEST_TIMEOUT,
        "app.upload.upload_data.read.app_error",
        "Bytes of this upload were lost or damaged; announce the file again, the answer says where to continue.",
    )
}

fn refusal(error: &UploadError) -> ApiError {
    let too_many = "Too many unfinished uploads of this connection; try again later.";
    upload_refusal(error, || ApiError::unavailable(too_many))
}
