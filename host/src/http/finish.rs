//! The outermost layer: adds what every response carries, and the error object of every refusal.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPIRES, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::answers::{self, Answers};
use super::error::Retry;
use super::visitor::Visitor;
use super::{ApiError, BUILD_NUMBER, SERVER_VERSION, URI_BYTES_MAX, random_id, unread};
use crate::metrics::Metrics;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const VERSION_ID: HeaderName = HeaderName::from_static("x-version-id");

/// The content type of every JSON response. Clients compare it for equality: no charset.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// State of the layer.
#[derive(Clone)]
pub struct Finish {
    /// Counts requests.
    pub metrics: Arc<Metrics>,
    /// Large responses in flight.
    pub answers: Arc<Answers>,
}

/// Carries out a request and completes its response.
pub async fn finish(
    State(Finish { metrics, answers }): State<Finish>,
    mut request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let request_id = random_id();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unknown".to_string(), |path| path.as_str().to_string());
    let too_long = request
        .uri()
        .path_and_query()
        .is_some_and(|it| it.as_str().len() > URI_BYTES_MAX);
    let visitor = Visitor::default();
    request.extensions_mut().insert(visitor.clone());
    let response = if too_long {
        uri_too_long().into_response()
    } else {
        carry_out(next.run(unread::drain(request))).await
    };
    let mut response = answers::charge(&answers, &visitor, response).await;
    render_error(&mut response, request_id.as_str());
    add_headers(&mut response, &method, request_id.as_str());
    let status = response.status().as_u16();
    metrics.count_request(status);
    tracing::debug!(
        %request_id, %method, route, status, ms = begun.elapsed().as_millis() as u64, "request"
    );
    response
}

/// A request whose handler panics, because of a defect or because the rows cannot be read, gets a response
/// like every other.
async fn carry_out(running: impl Future<Output = Response>) -> Response {
    let mut running = std::pin::pin!(running);
    // Nothing of the handler is used after it was unwound.
    let answered = poll_fn(|context| {
        let poll = catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(context)));
        poll.map_or_else(|_| Poll::Ready(None), |poll| poll.map(Some))
    });
    let unwound = || ApiError::internal().into_response();
    answered.await.unwrap_or_else(unwound)
}

fn uri_too_long() -> ApiError {
    ApiError::new(
        StatusCode::URI_TOO_LONG,
        "basic_security_check.url.too_long_error",
        "The URL is too long.",
    )
}

/// Gives a refusal its JSON body, including refusals of the router itself, which have none.
fn render_error(response: &mut Response, request_id: &str) {
    let status = response.status();
    let error = match response.extensions_mut().remove::<ApiError>() {
        Some(error) => error,
        None if !status.is_client_error() && !status.is_server_error() => return,
        None if response.headers().get(CONTENT_TYPE) == Some(&JSON) => return,
        None => ApiError::new(
            status,
            "api.context.invalid_request.app_error",
            status
                .canonical_reason()
                .unwrap_or("The request was refused."),
        ),
    };
    *response.body_mut() = Body::from(error.body(request_id));
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, JSON);
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        // The rest of the body is dropped, so nothing can follow it on this connection.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(retry) = error.retry {
        add_retry(headers, retry);
    }
}

/// Client API §2.
fn add_retry(headers: &mut HeaderMap, retry: Retry) {
    headers.insert(RETRY_AFTER, retry.after_s.into());
    if let Some(limit) = retry.limit {
        headers.insert("x-ratelimit-limit", limit.into());
        headers.insert("x-ratelimit-remaining", 0.into());
        headers.insert("x-ratelimit-reset", retry.after_s.into());
    }
}

fn add_headers(response: &mut Response, method: &Method, request_id: &str) {
    let upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    if !upgraded {
        headers.entry(CONTENT_TYPE).or_insert(JSON);
    }
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, value);
    }
    let version = format!("{SERVER_VERSION}.{BUILD_NUMBER}.0.false");
    if let Ok(value) = HeaderValue::from_str(&version) {
        headers.insert(VERSION_ID, value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if method == Method::GET && !headers.contains_key(CACHE_CONTROL) {
        headers.insert(EXPIRES, HeaderValue::from_static("0"));
    } else if !headers.contains_key(CACHE_CONTROL) && headers.contains_key("token") {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// For every path and method without a route.
pub async fn unknown_route() -> ApiError {
    ApiError::not_found_route()
}
