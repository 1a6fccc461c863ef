//! The error object of the API. Client API §2.

use std::borrow::Cow;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use causeway_engine::SubmitError;
use causeway_kernel::boundary::output::Refusal;
use causeway_views::json::{ANSWER_BYTES_MAX, TooLong};
use causeway_views::query::{OFFSET_ROWS_MAX, TooDeep};
use serde::Serialize;

use crate::vault::VaultError;

/// After how many seconds a password may be sent again that could not be checked.
const DERIVATION_RETRY_S: u32 = 1;

/// A refusal to be sent. The outermost layer turns it into the JSON object and adds the request's id; see
/// [`finish`](super::finish).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable machine name, e.g. `api.context.permissions.app_error`.
    pub id: Cow<'static, str>,
    /// What happened, for a person.
    pub message: Cow<'static, str>,
    /// When to try again, for a temporary refusal.
    pub retry: Option<Retry>,
}

/// When a refused request may be tried again. Client API §2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Seconds from now.
    pub after_s: u32,
    /// Requests of this kind that are accepted without a pause, if they are counted.
    pub limit: Option<u32>,
}

impl From<TooDeep> for ApiError {
    fn from(_: TooDeep) -> ApiError {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.context.page_too_deep.app_error",
            format!(
                "This page is preceded by more than {OFFSET_ROWS_MAX} entries. Lists cannot be read so \
                 far by page numbers; posts can be read from a known one on, with the \
                 parameter before or after."
            ),
        )
    }
}

/// The error object: always with all five keys.
#[derive(Serialize)]
pub struct ErrorBody<'a> {
    id: &'a str,
    message: &'a str,
    detailed_error: &'a str,
    request_id: &'a str,
    status_code: u16,
}

impl ApiError {
    /// Creates an error.
    pub fn new(
        status: StatusCode,
        id: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> ApiError {
        ApiError {
            status,
            id: id.into(),
            message: message.into(),
            retry: None,
        }
    }

    /// Marks a refusal as temporary.
    #[must_use]
    pub fn retry(mut self, after_s: u32, limit: Option<u32>) -> ApiError {
        self.retry = Some(Retry { after_s, limit });
        self
    }

    /// No session, an expired one, or a request that a foreign page may have caused.
    #[must_use]
    pub fn session_expired() -> ApiError {
        ApiError::new(
            StatusCode::UNAUTHORIZED,
            "api.context.session_expired.app_error",
            "Invalid or expired session, please log in again.",
        )
    }

    /// The caller lacks a permission.
    #[must_use]
    pub fn forbidden() -> ApiError {
        ApiError::new(
            StatusCode::FORBIDDEN,
            "api.context.permissions.app_error",
            "You do not have the appropriate permissions.",
        )
    }

    /// An id in the path is malformed.
    #[must_use]
    pub fn invalid_url_param(name: &str) -> ApiError {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.context.invalid_url_param.app_error",
            format!("Invalid or missing {name} parameter in request URL."),
        )
    }

    /// The body, or a field of it, is missing or invalid.
    #[must_use]
    pub fn invalid_body(name: &str) -> ApiError {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.context.invalid_body_param.app_error",
            format!("Invalid or missing {name} in request body."),
        )
    }

    /// Unknown route or method.
    #[must_use]
    pub fn not_found_route() -> ApiError {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "api.context.404.app_error",
            "Sorry, we could not find the page.",
        )
    }

    /// The object does not exist, or is hidden from this caller.
    #[must_use]
    pub fn not_found(id: &'static str, what: &str) -> ApiError {
        ApiError::new(
            StatusCode::NOT_FOUND,
            id,
            format!("Unable to find the {what}."),
        )
    }

    /// The body exceeds the limit of its route.
    #[must_use]
    pub fn too_large(limit: usize) -> ApiError {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "api.context.request_body_too_large.app_error",
            format!("The request body is larger than the {limit} bytes allowed here."),
        )
    }

    /// A temporary failure on our side.
    #[must_use]
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> ApiError {
        ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "api.context.service_unavailable.app_error",
            message,
        )
    }

    /// Something that should not happen; the log says more, the caller is told nothing.
    #[must_use]
    pub fn internal() -> ApiError {
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "api.context.internal.app_error",
            "The service could not carry out the request; its log says why.",
        )
    }

    /// The JSON body.
    #[must_use]
    pub fn body(&self, request_id: &str) -> Vec<u8> {
        let body = ErrorBody {
            id: &self.id,
            message: &self.message,
            detailed_error: "",
            request_id,
            status_code: self.status.as_u16(),
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> ApiError {
        let status =
            StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        ApiError::new(status, refusal.id, refusal.message)
    }
}

impl From<TooLong> for ApiError {
    fn from(_: TooLong) -> ApiError {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.context.answer_too_large.app_error",
            format!(
                "The response would be larger than {ANSWER_BYTES_MAX} bytes: ask for fewer objects \
                 at once (a smaller per_page, fewer ids), or for posts by `before` and `after`."
            ),
        )
    }
}

impl From<SubmitError> for ApiError {
    /// All of them mean "try again": nothing was changed, or it is not known yet.
    fn from(error: SubmitError) -> ApiError {
        match error {
            SubmitError::ReadOnly(_) => {
                ApiError::unavailable("The workspace is read-only until its disk has room again.")
            }
            SubmitError::Overloaded => {
                ApiError::unavailable("The workspace is overloaded; try again soon.")
            }
            SubmitError::ShuttingDown => {
                ApiError::unavailable("The workspace is shutting down; try again soon.")
            }
            SubmitError::Stopped(_) => ApiError::unavailable(
                "The workspace could not carry out the request; its log says why.",
            ),
        }
    }
}

impl From<VaultError> for ApiError {
    fn from(error: VaultError) -> ApiError {
        match error {
            VaultError::Busy => {
                ApiError::unavailable("Too many passwords are being checked; try again soon.")
                    .retry(DERIVATION_RETRY_S, None)
            }
            VaultError::TooManyOfOne => ApiError::new(
                StatusCode::TOO_MANY_REQUESTS,
                "api.context.too_many_requests.app_error",
                "Too many passwords are being checked for this account or address; try again soon.",
            )
            .retry(DERIVATION_RETRY_S, None),
            VaultError::Password => ApiError::invalid_body("password"),
            other => {
                tracing::error!(error = %other, "the vault cannot be used");
                ApiError::unavailable(
                    "The service cannot reach its vault right now; try again soon.",
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_all_five_keys() {
        let bytes = ApiError::forbidden().body("r1");
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "detailed_error",
                "id",
                "message",
                "request_id",
                "status_code"
            ]
        );
        assert_eq!(value["status_code"], 403);
        assert_eq!(value["request_id"], "r1");
    }

    #[test]
    fn a_refusal_with_an_impossible_status_is_an_internal_error() {
        let refusal = Refusal::new(7, "x", "y");
        assert_eq!(
            ApiError::from(refusal).status,
            StatusCode::INTERNAL_SERVER_ERROR
        );
    }
}
