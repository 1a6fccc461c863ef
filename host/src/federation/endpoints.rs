//! The five endpoints that peers call. Protocol §5.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use causeway_files::Kept;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Reply;
use causeway_kernel::rows::id::ConnectionNo;
use causeway_kernel::wire::frame::{self, Frame, Ping};
use causeway_kernel::wire::json::Document;
use causeway_kernel::wire::response::OK;
use causeway_kernel::wire::secrets;

use super::client::{INCARNATION_HEADER, incarnation_of, incarnation_text, site_url_of};
use super::gate::{self, PeerCaller};
use super::{Federation, handshake, lock, pictures, pinger, reach, uploads};
use crate::files;
use crate::http::{ApiError, read_limited};

/// Maximum bytes of a frame; a larger one is refused with 413 (`MaximumPayloadSizeBytes` + 512).
pub const FRAME_BYTES_MAX: usize = 300_000 + 512;

/// Maximum messages and pictures of one connection being processed or waiting at the same time. A server sends one after
/// another; beyond the maximum it is asked to try again.
const FRAMES_IN_FLIGHT_MAX: u32 = 8;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The endpoints. The rest of a response (ids, headers, the error object) is added by the layer that all
/// routes of the service share.
pub fn router(federation: &Federation) -> Router {
    // A GET of these paths would be the admin's `GET /remotecluster/{remote_id}` with an invalid id; a caller
    // here has no session.
    let session_expired = || async { ApiError::session_expired() };
    Router::new()
        .route(
            "/api/v4/remotecluster/ping",
            post(ping).get(session_expired),
        )
        .route(
            "/api/v4/remotecluster/msg",
            post(message).get(session_expired),
        )
        .route(
            "/api/v4/remotecluster/confirm_invite",
            post(confirm).get(session_expired),
        )
        .route(
            "/api/v4/remotecluster/upload/{upload_id}",
            post(uploads::upload),
        )
        .route(
            "/api/v4/remotecluster/{remote_id}/image",
            post(pictures::image),
        )
        .route_layer(middleware::from_fn_with_state(
            federation.clone(),
            count_refusals,
        ))
        .with_state(federation.clone())
}

/// Counts refusals of these handlers by error id; refusals of the workspace are counted where its reply is
/// passed on.
async fn count_refusals(
    State(federation): State<Federation>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    if let Some(error) = response.extensions().get::<ApiError>() {
        federation.inner.counters.count_refused_request(&error.id);
    }
    response
}

async fn ping(
    State(federation): State<Federation>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let caller = gate::admit(&federation, &parts)?;
    let bytes = frame_bytes(&federation, body).await?;
    let document = Document::parse(&bytes).map_err(|error| frame::unreadable(&error))?;
    let frame = frame_of(&federation, &document, caller)?;
    let ping = Ping::decode(frame.payload).map_err(|_| frame::invalid_payload("msg.payload"))?;
    if let Some(told) = incarnation_of(&parts.headers) {
        pinger::met(&federation, caller.connection, told);
    }
    if let Some(told) = site_url_of(&parts.headers) {
        reach::reported(&federation, caller.connection, told);
    }
    pinger::heard(&federation, caller.connection);
    let answer = Ping {
        recv_at: federation.inner.engine.now_ms(),
        ..ping
    };
    Ok(json(&federation, answer.encode()))
}

async fn message(
    State(federation): State<Federation>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let caller = gate::admit(&federation, &parts)?.confirmed()?;
    let mut bytes = Vec::from(frame_bytes(&federation, body).await?);
    let _turn = Turn::take(&federation, caller.connection)?;
    pinger::heard(&federation, caller.connection);
    secrets::blank(&mut bytes);
    let input = Input::Frame {
        connection: caller.connection,
        body: bytes,
        skip: Vec::new(),
    };
    let reply = federation.submit(input).await?;
    passed_on(&federation, reply)
}

/// Hands bytes that are stored to the workspace, and passes its reply on.
pub(super) async fn hand_over(
    federation: &Federation,
    input: Input,
    kept: Kept,
) -> Result<Response, ApiError> {
    let submitter = federation.clone();
    let submitted = files::hand_over(kept, async move { submitter.submit(input).await });
    let reply = submitted.await??;
    passed_on(federation, reply)
}

/// The workspace's reply, as the response to the peer.
fn passed_on(federation: &Federation, reply: Reply) -> Result<Response, ApiError> {
    let Reply::Http { status, body } = reply else {
        return Err(ApiError::internal());
    };
    if status != 200 {
        let id = error_id(&body);
        federation.inner.counters.count_refused_request(&id);
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Ok((status, json(federation, body)).into_response())
}

/// The id of an error object written by the workspace.
fn error_id(body: &[u8]) -> String {
    Document::parse(body)
        .ok()
        .and_then(|document| Some(document.root().text("id").ok()?.into_owned()))
        .unwrap_or_default()
}

async fn confirm(
    State(federation): State<Federation>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let caller = gate::admit(&federation, &parts)?;
    let bytes = frame_bytes(&federation, body).await?;
    let confirmation = {
        let document = Document::parse(&bytes).map_err(|error| frame::unreadable(&error))?;
        let frame = frame_of(&federation, &document, caller)?;
        handshake::read_confirmation(
            &federation,
            caller,
            frame.payload,
            incarnation_of(&parts.headers).is_some(),
        )?
    };
    handshake::answer(&federation, caller, confirmation).await?;
    Ok(json(&federation, OK.to_vec()))
}

/// Rows 1 and 2 of protocol §5.2.
async fn frame_bytes(federation: &Federation, body: Body) -> Result<Bytes, ApiError> {
    if !federation.is_enabled() {
        return Err(ApiError::new(
            StatusCode::NOT_IMPLEMENTED,
            "api.remote_cluster.service_not_enabled.app_error",
            "The remote cluster service is not enabled.",
        ));
    }
    read_limited(body, FRAME_BYTES_MAX).await
}

/// Rows 4 to 8 of protocol §5.2.
fn frame_of<'d>(
    federation: &Federation,
    document: &'d Document<'d>,
    caller: PeerCaller,
) -> Result<Frame<'d>, ApiError> {
    let frame = frame::check(document, caller.remote_id)?;
    if federation.connection(caller.connection).is_none() {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.context.remote_id_invalid.app_error",
            "This connection was removed.",
        ));
    }
    Ok(frame)
}

/// A response that also tells a Causeway our incarnation.
pub(super) fn json(federation: &Federation, body: Vec<u8>) -> Response {
    let mut response = ([(CONTENT_TYPE, JSON)], body).into_response();
    let incarnation = federation.incarnation().map(incarnation_text);
    if let Some(value) = incarnation.and_then(|text| HeaderValue::try_from(text).ok()) {
        response.headers_mut().insert(INCARNATION_HEADER, value);
    }
    response
}

/// One of the messages and pictures that a connection may have in flight.
pub(super) struct Turn<'f> {
    federation: &'f Federation,
    connection: ConnectionNo,
}

impl<'f> Turn<'f> {
    pub(super) fn take(
        federation: &'f Federation,
        connection: ConnectionNo,
    ) -> Result<Turn<'f>, ApiError> {
        let mut frames = lock(&federation.inner.frames);
        let count = frames.entry(connection).or_default();
        if *count >= FRAMES_IN_FLIGHT_MAX {
            return Err(ApiError::unavailable(
                "Too many messages at once; try again soon.",
            ));
        }
        *count += 1;
        Ok(Turn {
            federation,
            connection,
        })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut frames = lock(&self.federation.inner.frames);
        if let Some(count) = frames.get_mut(&self.connection) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                frames.remove(&self.connection);
            }
        }
    }
}
