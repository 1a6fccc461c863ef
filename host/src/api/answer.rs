//! Rendered responses.

use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::http::{ApiError, finish};

/// What a handler returns.
pub type ApiResult = Result<Rendered, ApiError>;

/// JSON text with its status.
#[derive(Debug)]
pub struct Rendered {
    status: StatusCode,
    body: String,
}

impl Rendered {
    /// A success: 200.
    #[must_use]
    pub fn new(body: String) -> Rendered {
        Rendered {
            status: StatusCode::OK,
            body,
        }
    }

    /// Something was made: 201.
    #[must_use]
    pub fn created(body: String) -> Rendered {
        Rendered {
            status: StatusCode::CREATED,
            body,
        }
    }

    /// The service is unhealthy: 500, with its state as far as known.
    #[must_use]
    pub fn unhealthy(value: &serde_json::Value) -> Rendered {
        Rendered {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            body: value.to_string(),
        }
    }

    /// An operation without a result. Clients parse every response, so this one has a body as well.
    #[must_use]
    pub fn ok() -> Rendered {
        Rendered::new(r#"{"status":"OK"}"#.to_string())
    }

    /// A JSON value.
    #[must_use]
    pub fn json(value: &serde_json::Value) -> Rendered {
        Rendered::new(value.to_string())
    }

    /// The same answer with a digest of it, or 304 without a body if the client has it already.
    #[must_use]
    pub fn unless_known(self, request: &HeaderMap) -> Response {
        let tag = format!("\"{}\"", blake3::hash(self.body.as_bytes()).to_hex());
        unchanged(request, &tag).unwrap_or_else(|| ([(ETAG, tag)], self).into_response())
    }

    /// A JSON array of texts that are already JSON.
    #[must_use]
    pub fn array(items: &[String]) -> Rendered {
        Rendered::new(format!("[{}]", items.join(",")))
    }
}

/// The response to a client that has already what this tag stands for.
pub fn unchanged(request: &HeaderMap, tag: &str) -> Option<Response> {
    let held = request.get(IF_NONE_MATCH)?.to_str().ok()?;
    let is_held = held.split(',').any(|one| one.trim() == tag);
    is_held.then(|| (StatusCode::NOT_MODIFIED, [(ETAG, tag.to_string())]).into_response())
}

impl IntoResponse for Rendered {
    fn into_response(self) -> Response {
        (self.status, [(CONTENT_TYPE, finish::JSON)], self.body).into_response()
    }
}
