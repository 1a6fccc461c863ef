//! The WebSocket. Client API §9.

mod conversation;
mod requests;
mod socket;
mod statuses;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

use self::conversation::{Guest, Resume};
use self::socket::Socket;
use super::auth::present;
use super::path::Params;
use crate::app::{App, SharedApp};
use crate::http::ApiError;
use crate::http::connections::Slot;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/websocket", get(open))
        .route("/websocket/", get(open))
}

async fn open(State(app): State<SharedApp>, params: Params, mut request: Request) -> Response {
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let answer = create_response_with_body(&request, Body::empty);
    let (Some(upgrade), Ok(answer)) = (upgrade, answer) else {
        return ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.web_socket.connect.upgrade.app_error",
            "This endpoint accepts WebSocket connections only.",
        )
        .into_response();
    };
    if !origin_allowed(&app, request.headers()) {
        return ApiError::new(
            StatusCode::FORBIDDEN,
            "api.web_socket.connect.check_origin.app_error",
            "Pages of another origin may not open this WebSocket.",
        )
        .into_response();
    }
    // An expired credential is ignored: the client may still authenticate with a challenge.
    let caller = present(request.headers()).and_then(|it| app.caller(it.token).ok());
    let guest = Guest {
        caller,
        // The socket counts as one of the connections until it closes.
        slot: request.extensions().get::<Arc<Slot>>().cloned(),
        resume: Resume {
            id: params.get("connection_id").to_string(),
            sequence: params.get("sequence_number").parse().ok(),
        },
    };
    tokio::spawn(async move {
        // If the connection is gone, there is nobody to reply to.
        if let Ok(upgraded) = upgrade.await {
            guest.welcome(&app, Socket::new(upgraded).await).await;
        }
    });
    answer
}

/// Programs send no origin; browsers do, and then it must be ours or a configured one.
fn origin_allowed(app: &App, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let allowed = &app.settings.allowed_origins;
    origin.eq_ignore_ascii_case(app.settings.origin())
        || allowed
            .iter()
            .any(|known| known.eq_ignore_ascii_case(origin))
}
