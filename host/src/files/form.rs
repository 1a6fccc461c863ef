//! Multipart forms, read as they arrive.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use bytes::Bytes;
use causeway_files::Incoming;
use futures_util::{Stream, StreamExt};
use multer::{Field, Multipart};

use super::receive::{paced, receive};
use super::{Files, unreadable};
use crate::http::ApiError;

/// Bytes of a form that are held while the head of a part or the end of a short field is looked for; more are
/// refused.
const HELD_BYTES_MAX: usize = 1 << 20;

/// The parts of a form.
pub struct Parts {
    parts: Multipart<'static>,
    /// Bytes taken since the last result.
    held: Arc<AtomicUsize>,
}

impl Parts {
    /// The parts of a body with this content type.
    ///
    /// # Errors
    /// 400 if it is not that of a form.
    pub fn of(content_type: &str, body: Body) -> Result<Parts, ApiError> {
        let boundary = multer::parse_boundary(content_type).map_err(|_| unreadable())?;
        let held = Arc::<AtomicUsize>::default();
        let parts = Multipart::new(limited(body, Arc::clone(&held)), boundary);
        Ok(Parts { parts, held })
    }

    /// The next part; what was not read of the last one is skipped.
    ///
    /// # Errors
    /// 400 if the form cannot be read, 408 if it arrives too slowly.
    pub async fn next(&mut self) -> Result<Option<Field<'static>>, ApiError> {
        let part = self.parts.next_field().await?;
        self.held.store(0, Ordering::Relaxed);
        Ok(part)
    }

    /// Receives a part as a file of at most so many bytes; `too_large` is the refusal of more.
    ///
    /// # Errors
    /// Those of [`Parts::next`], `too_large`, or 503 if the disk cannot be used.
    pub async fn receive(
        &self,
        part: Field<'static>,
        files: &Files,
        bytes_max: u64,
        too_large: ApiError,
    ) -> Result<Incoming, ApiError> {
        let incoming = files.on_disk(|store| store.receive()).await?;
        let bytes = part.inspect(|_| self.held.store(0, Ordering::Relaxed));
        receive(incoming, bytes, bytes_max, too_large).await
    }
}

/// The bytes of a form; an error once too many of them were taken without any result. `held` is set to 0 with
/// every result.
fn limited(
    body: Body,
    held: Arc<AtomicUsize>,
) -> impl Stream<Item = Result<Bytes, StreamError>> + Send {
    paced(body).map(move |bytes| {
        let bytes = bytes.map_err(StreamError)?;
        let now_held = held.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
        if now_held > HELD_BYTES_MAX {
            return Err(StreamError(unreadable()));
        }
        Ok(bytes)
    })
}

/// A refusal on its way through the parser of forms.
#[derive(Debug)]
struct StreamError(ApiError);

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for StreamError {}

impl From<multer::Error> for ApiError {
    fn from(error: multer::Error) -> ApiError {
        match error {
            multer::Error::StreamReadFailed(cause) => cause
                .downcast::<StreamError>()
                .map_or_else(|_| unreadable(), |found| found.0),
            _ => unreadable(),
        }
    }
}
