//! Request bodies: bounded in size and time, read as JSON whatever their content type.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::{ApiError, JSON_BYTES_MAX, STRANGERS_JSON_BYTES_MAX, finish};

/// How long a body may take to arrive; a slower one ends with 408.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Reads a body of at most `bytes_max` bytes. One with a declared length beyond that is not read at all, so
/// that a client waiting for `100 Continue` never sends it.
///
/// # Errors
/// 413 beyond the limit, 408 if it takes too long, 400 if it ends early.
pub async fn read_limited(body: Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(ApiError::too_large(bytes_max));
    }
    let collect = Limited::new(body, bytes_max).collect();
    match tokio::time::timeout(BODY_TIMEOUT, collect).await {
        Err(_) => Err(ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "api.context.request_timeout.app_error",
            "The request body took too long to arrive.",
        )),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::too_large(bytes_max)),
        Ok(Err(_)) => Err(ApiError::invalid_body("body")),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
    }
}

/// A JSON body of at most [`JSON_BYTES_MAX`] bytes; as a response, JSON without a charset.
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Json<T>, ApiError> {
        let bytes = read_limited(request.into_body(), JSON_BYTES_MAX).await?;
        parse(&bytes).map(Json)
    }
}

/// A JSON body of at most [`STRANGERS_JSON_BYTES_MAX`] bytes, for routes that need no session.
pub struct StrangersJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for StrangersJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<StrangersJson<T>, ApiError> {
        let bytes = read_limited(request.into_body(), STRANGERS_JSON_BYTES_MAX).await?;
        parse(&bytes).map(StrangersJson)
    }
}

impl<T: serde::Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => ([(CONTENT_TYPE, finish::JSON)], bytes).into_response(),
            Err(_) => ApiError::internal().into_response(),
        }
    }
}

/// A JSON body that may be missing, empty or `null`; every field then has its default.
pub struct OptionalJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<OptionalJson<T>, ApiError> {
        let bytes = read_limited(request.into_body(), JSON_BYTES_MAX).await?;
        if bytes.trim_ascii().is_empty() {
            return Ok(OptionalJson(T::default()));
        }
        parse::<Option<T>>(&bytes).map(|found| OptionalJson(found.unwrap_or_default()))
    }
}

/// Parses JSON; the error gives the position, never the contents.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.context.invalid_body_param.app_error",
            format!(
                "The request body is not the expected JSON (line {}, column {}).",
                error.line(),
                error.column()
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_over_the_limit_is_413() {
        let error = read_limited(Body::from(vec![b'x'; 11]), 10)
            .await
            .unwrap_err();
        assert_eq!(error.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(
            read_limited(Body::from(vec![b'x'; 10]), 10)
                .await
                .unwrap()
                .len(),
            10
        );
    }

    #[test]
    fn deep_json_is_refused_without_recursion_running_away() {
        let deep = "[".repeat(100_000);
        assert!(parse::<serde_json::Value>(deep.as_bytes()).is_err());
    }

    #[test]
    fn errors_do_not_repeat_the_body() {
        let error = parse::<Vec<u8>>(br#"{"password":"hunter2"}"#).unwrap_err();
        assert!(!error.message.contains("hunter2"));
    }
}
