//! Large responses: a budget limits how many of their bytes are in flight at the same time, however slowly
//! they are read.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt;

use super::ApiError;
use super::budget::{Budget, Charge};
use super::visitor::{Visitor, Who};

/// Maximum bytes of large responses in flight; beyond it, a request is asked to come again.
pub const ANSWERS_BYTES_MAX: usize = 64 << 20;
/// The same for one user or peer, and for all strangers together.
pub const ANSWERS_OF_ONE_BYTES_MAX: usize = 16 << 20;
/// Maximum bytes of a response that is not counted: less than the buffers that every connection has anyway.
const SMALL_ANSWER_BYTES: usize = 16 * 1024;
/// After how many seconds a client may try again.
const RETRY_S: u32 = 2;

/// Responses in flight, by reader; `None` stands for strangers.
pub type Answers = Budget<Option<Who>>;

/// The budget for the responses of a service.
#[must_use]
pub fn answers() -> Arc<Answers> {
    Arc::new(Budget::new(ANSWERS_BYTES_MAX, ANSWERS_OF_ONE_BYTES_MAX))
}

/// Charges a large response to its reader, or refuses it. A response of unknown length is produced as it is
/// read, and holds nothing to charge.
pub(super) async fn charge(
    answers: &Arc<Answers>,
    reader: &Visitor,
    response: Response,
) -> Response {
    let bytes = response.body().size_hint().exact().unwrap_or(0);
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    if bytes <= SMALL_ANSWER_BYTES {
        return response;
    }
    let Some(charge) = answers.take(&reader.who(), bytes) else {
        let error = ApiError::unavailable(
            "Too many large responses are in flight; read them, and try again soon.",
        );
        return error.retry(RETRY_S, None).into_response();
    };
    let (parts, body) = response.into_parts();
    // It is in one piece, so there is nothing to wait for or copy.
    match body.collect().await {
        Ok(whole) => {
            let text = whole.to_bytes();
            let held = HeldAnswer {
                text,
                _charge: charge,
            };
            Response::from_parts(parts, Body::from(Bytes::from_owner(held)))
        }
        Err(_) => ApiError::internal().into_response(),
    }
}

/// The bytes of a response; charged until the connection has written, or given up, the last of them.
struct HeldAnswer {
    text: Bytes,
    _charge: Charge<Option<Who>>,
}

impl AsRef<[u8]> for HeldAnswer {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}
