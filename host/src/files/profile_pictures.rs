//! Profile pictures: taken from forms, cropped and scaled, and kept like files.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use causeway_files::{Incoming, Kept, pictures, profile_pictures};
use causeway_kernel::model::User;
use causeway_kernel::model::limits::PROFILE_PICTURE_BYTES_MAX;

use super::form::Parts;
use super::{Files, blocking, disk_error, unreadable};
use crate::http::ApiError;

/// The part of a form that holds the picture. Protocol §5.7, client API §6.1.
const PART: &str = "image";

impl Files {
    /// Receives the picture of a form.
    ///
    /// # Errors
    /// Rows 3 to 6 of protocol §5.7, or 503 if the disk cannot be used.
    pub async fn receive_profile_picture(
        &self,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Incoming, ApiError> {
        let bytes_max = pictures::PICTURE_BYTES_MAX.min(self.settings.max_file_size);
        if body.size_hint().lower() > bytes_max {
            return Err(too_large(bytes_max));
        }
        let read = self.read_profile_picture(headers, body, bytes_max).await;
        // A form that cannot be read has an error of its own here.
        let received = read.map_err(|error| match error {
            error if error.id == unreadable().id => not_a_form(),
            error => error,
        })?;
        received.ok_or_else(|| {
            let id = "api.user.upload_profile_user.no_file.app_error";
            refusal(
                id,
                "The form has no picture: its part must be called image.",
            )
        })
    }

    async fn read_profile_picture(
        &self,
        headers: &HeaderMap,
        body: Body,
        bytes_max: u64,
    ) -> Result<Option<Incoming>, ApiError> {
        let content_type = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let mut parts = Parts::of(content_type.unwrap_or_default(), body)?;
        while let Some(part) = parts.next().await? {
            if part.name() == Some(PART) {
                let received = parts.receive(part, self, bytes_max, too_large(bytes_max));
                return received.await.map(Some);
            }
        }
        Ok(None)
    }

    /// Crops and scales a picture that was received, and keeps the result.
    ///
    /// # Errors
    /// Row 9 of protocol §5.7, or 503 if the disk cannot be used.
    pub async fn keep_profile_picture(&self, incoming: Incoming) -> Result<Kept, ApiError> {
        let turn = self.pictures.acquire().await;
        let _turn = turn.map_err(|_| ApiError::internal())?;
        let picture = incoming.reader().map_err(|error| disk_error(&error))?;
        let made = blocking(move || profile_pictures::from_picture(picture)).await;
        let png = made.map_err(|_| {
            let id = "api.user.upload_profile_user.check_image_limits.app_error";
            let message = format!(
                "The picture cannot be read, or has more than {} pixels. Use a PNG, JPEG, GIF or WebP.",
                pictures::PICTURE_PIXELS_MAX
            );
            refusal(id, message)
        })?;
        self.keep_bytes(png).await
    }

    /// Makes the profile picture of a user who has none.
    ///
    /// # Errors
    /// 500 if it cannot be made.
    pub async fn generated_profile_picture(&self, user: &User) -> Result<Vec<u8>, ApiError> {
        let (username, id) = (user.username.clone(), user.id.to_string());
        let made = blocking(move || profile_pictures::generated(&username, &id)).await;
        made.map_err(|_| ApiError::internal())
    }

    /// Keeps a picture that was made here.
    ///
    /// # Errors
    /// 503 if the disk cannot be used.
    pub async fn keep_bytes(&self, png: Vec<u8>) -> Result<Kept, ApiError> {
        let kept = self.on_disk(move |store| {
            let mut incoming = store.receive()?;
            incoming.append(&png)?;
            store.keep(incoming)
        });
        kept.await
    }

    /// The bytes of a profile picture.
    ///
    /// # Errors
    /// Those of the operating system; others if there are more than a profile picture has.
    pub async fn profile_picture(&self, digest: String) -> std::io::Result<Vec<u8>> {
        let store = Arc::clone(&self.store);
        blocking(move || store.read_small(&digest, PROFILE_PICTURE_BYTES_MAX)).await
    }
}

fn refusal(id: &'static str, message: impl Into<std::borrow::Cow<'static, str>>) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, id, message)
}

fn not_a_form() -> ApiError {
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "api.user.upload_profile_user.parse.app_error",
        "The request with the picture is not a multipart form, or ended early.",
    )
}

fn too_large(bytes_max: u64) -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "api.user.upload_profile_user.too_large.app_error",
        format!("The picture is larger than the {bytes_max} bytes allowed here."),
    )
}
