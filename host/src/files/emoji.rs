//! Pictures of custom emoji: taken from forms, scaled, and kept like files.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use causeway_files::{Incoming, Kept, emoji, pictures};
use causeway_kernel::model::limits::EMOJI_PICTURE_BYTES_MAX;

use super::form::Parts;
use super::{Files, blocking, disk_error};
use crate::http::ApiError;

/// Maximum bytes of the part of the form that describes the emoji.
const DESCRIPTION_BYTES_MAX: usize = 4_096;

/// A form with a new emoji. Client API §6.5.
pub struct EmojiForm {
    /// The picture as it was sent.
    pub picture: Incoming,
    /// The description, JSON text.
    pub description: String,
}

impl Files {
    /// Receives a form with a new emoji.
    ///
    /// # Errors
    /// 400 if a part is missing or the form cannot be read, 413 if the picture is too large, or 503 if the disk cannot
    /// be used.
    pub async fn receive_emoji(
        &self,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<EmojiForm, ApiError> {
        let content_type = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let mut parts = Parts::of(content_type.unwrap_or_default(), body)?;
        let (mut picture, mut description) = (None, None);
        while let Some(part) = parts.next().await? {
            match part.name() {
                Some("image") if picture.is_none() => {
                    let received = parts.receive(part, self, EMOJI_PICTURE_BYTES_MAX, too_large());
                    picture = Some(received.await?);
                }
                Some("emoji") if description.is_none() => {
                    let text = part.text().await?;
                    if text.len() > DESCRIPTION_BYTES_MAX {
                        return Err(ApiError::invalid_body("emoji"));
                    }
                    description = Some(text);
                }
                _ => {}
            }
        }
        Ok(EmojiForm {
            picture: picture.ok_or_else(|| ApiError::invalid_body("image"))?,
            description: description.ok_or_else(|| ApiError::invalid_body("emoji"))?,
        })
    }

    /// Scales the picture of an emoji that was received, and keeps the result.
    ///
    /// # Errors
    /// 400 if it is not a picture, or 503 if the disk cannot be used.
    pub async fn keep_emoji(&self, incoming: Incoming) -> Result<Kept, ApiError> {
        let turn = self.pictures.acquire().await;
        let _turn = turn.map_err(|_| ApiError::internal())?;
        let picture = incoming.reader().map_err(|error| disk_error(&error))?;
        let made = blocking(move || emoji::from_picture(picture)).await;
        let png = made.map_err(|_| {
            ApiError::new(
                StatusCode::BAD_REQUEST,
                "api.emoji.upload.image.app_error",
                format!(
                    "The picture cannot be read, or has more than {} pixels. Use a PNG, JPEG, GIF or WebP.",
                    pictures::PICTURE_PIXELS_MAX
                ),
            )
        })?;
        self.keep_bytes(png).await
    }

    /// The bytes of an emoji's picture.
    ///
    /// # Errors
    /// Those of the operating system; others if there are more than such a picture has.
    pub async fn emoji_picture(&self, digest: String) -> std::io::Result<Vec<u8>> {
        let store = Arc::clone(&self.store);
        blocking(move || store.read_small(&digest, EMOJI_PICTURE_BYTES_MAX)).await
    }
}

fn too_large() -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "api.emoji.create.too_large.app_error",
        format!("The picture of an emoji has at most {EMOJI_PICTURE_BYTES_MAX} bytes."),
    )
}
