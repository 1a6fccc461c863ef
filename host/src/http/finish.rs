//! The outermost layer: what every answer carries, and the error object of every refusal.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, EXPIRES, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{ApiError, BUILD_NUMBER, SERVER_VERSION, URI_BYTES_MAX, random_id};
use crate::metrics::Metrics;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const VERSION_ID: HeaderName = HeaderName::from_static("x-version-id");

/// The content type of every JSON answer. Clients compare it for equality: no charset.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Carries out one request and completes its answer.
pub async fn finish(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
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
    let mut response = if too_long {
        uri_too_long().into_response()
    } else {
        next.run(request).await
    };
    render_error(&mut response, request_id.as_str());
    add_headers(&mut response, &method, request_id.as_str());
    let status = response.status().as_u16();
    metrics.count_request(status);
    tracing::debug!(
        %request_id, %method, route, status, ms = begun.elapsed().as_millis() as u64, "request"
    );
    response
}

fn uri_too_long() -> ApiError {
    ApiError::new(
        StatusCode::URI_TOO_LONG,
        "basic_security_check.url.too_long_error",
        "The URL is too long.",
    )
}

/// Gives a refusal its JSON body. Refusals of the router itself, which come without one, too.
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
    response.headers_mut().remove(CONTENT_LENGTH);
    response.headers_mut().insert(CONTENT_TYPE, JSON);
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
    if method == Method::GET {
        headers.insert(EXPIRES, HeaderValue::from_static("0"));
    } else if !headers.contains_key(CACHE_CONTROL) && headers.contains_key("token") {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// For every path and method that no route takes.
pub async fn unknown_route() -> ApiError {
    ApiError::not_found_route()
}
