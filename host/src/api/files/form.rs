//! Files in a multipart form. Client API §8, shapes 1 and 2.

use axum::body::Body;
use axum::http::StatusCode;
use causeway_files::Incoming;
use causeway_kernel::rows::id::ID_BYTES;
use multer::Field;

use super::{Uploaded, shown, writable};
use crate::app::{Caller, SharedApp};
use crate::files::form::Parts;
use crate::files::{add, too_large, unreadable};
use crate::http::ApiError;

/// Files of a form; more are refused.
const FILES_MAX: usize = 50;
/// Bytes of a client's own id of a file; more are refused.
const CLIENT_ID_BYTES_MAX: usize = 128;

/// What a form contained.
#[derive(Default)]
struct Form {
    channel_id: String,
    client_ids: Vec<String>,
    /// Files with their names.
    files: Vec<(String, Incoming)>,
}

/// Receives a form and adds its files. `channel_id` is that of the query, if there is one.
pub(super) async fn upload(
    app: &SharedApp,
    caller: &Caller,
    channel_id: &str,
    content_type: &str,
    body: Body,
) -> Result<Uploaded, ApiError> {
    if !channel_id.is_empty() {
        writable(app, caller, channel_id)?;
    }
    let form = read(app, caller, Parts::of(content_type, body)?).await?;
    if !channel_id.is_empty() && !form.channel_id.is_empty() && form.channel_id != channel_id {
        return Err(ApiError::invalid_body("channel_id"));
    }
    let named = if channel_id.is_empty() {
        &form.channel_id
    } else {
        channel_id
    };
    let channel = writable(app, caller, named)?;
    if form.files.is_empty() {
        return Err(unreadable());
    }
    if !form.client_ids.is_empty() && form.client_ids.len() != form.files.len() {
        return Err(ApiError::invalid_body("client_ids"));
    }
    let mut file_infos = Vec::new();
    for (name, incoming) in form.files {
        let made = add(app, caller.user, channel, name, incoming).await?;
        file_infos.push(shown(app, caller, made.as_ref())?);
    }
    Ok(Uploaded {
        file_infos,
        client_ids: form.client_ids,
    })
}

async fn read(app: &SharedApp, caller: &Caller, mut parts: Parts) -> Result<Form, ApiError> {
    let mut form = Form::default();
    while let Some(part) = parts.next().await? {
        match part.name() {
            Some("channel_id") => {
                form.channel_id = short_text(part, ID_BYTES, "channel_id").await?;
                writable(app, caller, &form.channel_id)?;
            }
            Some("client_ids") if form.client_ids.len() < FILES_MAX => {
                let id = short_text(part, CLIENT_ID_BYTES_MAX, "client_ids").await?;
                form.client_ids.push(id);
            }
            Some("files") if form.files.len() < FILES_MAX => {
                let name = part
                    .file_name()
                    .ok_or_else(|| ApiError::invalid_body("files"))?;
                // Browsers write a quotation mark in this way, and nothing else.
                let name = name.replace("%22", "\"");
                let settings = &app.files.settings;
                let limit = settings.max_file_size;
                let received = parts.receive(part, &app.files, limit, too_large(settings));
                let incoming = received.await?;
                form.files.push((name, incoming));
            }
            Some("client_ids" | "files") => {
                return Err(ApiError::new(
                    StatusCode::BAD_REQUEST,
                    "api.context.invalid_body_param.app_error",
                    format!(
                        "A form holds {FILES_MAX} files at most; send the others in a further one."
                    ),
                ));
            }
            other => return Err(ApiError::invalid_body(other.unwrap_or("form field"))),
        }
    }
    Ok(form)
}

/// The text of a field, which may not be long.
async fn short_text(
    mut field: Field<'_>,
    bytes_max: usize,
    name: &str,
) -> Result<String, ApiError> {
    let mut text = Vec::new();
    while let Some(bytes) = field.chunk().await? {
        text.extend_from_slice(&bytes);
        if text.len() > bytes_max {
            return Err(ApiError::invalid_body(name));
        }
    }
    String::from_utf8(text).map_err(|_| ApiError::invalid_body(name))
}
