//! What stands outside `/api/v4`: metrics.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use causeway_kernel::counters;
use causeway_kernel::limits::ONLINE_MS;
use causeway_kernel::query::sharing;

use super::{App, Shared};
use crate::http::ApiError;
use crate::metrics::Page;

/// Routes of this file.
pub fn routes() -> Router<Shared> {
    Router::new().route("/metrics", get(metrics))
}

/// The metrics, for this machine only unless the configuration says otherwise.
async fn metrics(
    State(app): State<Shared>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let proxied = headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded");
    let local = peer.is_some_and(|it| it.0.0.ip().is_loopback()) && !proxied;
    if !local && !app.settings.metrics_public {
        return Err(ApiError::not_found_route());
    }
    let mut page = Page::default();
    app.metrics.render(&mut page);
    engine(&app, &mut page);
    workspace(&app, &mut page);
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], page.into_text()).into_response())
}

fn engine(_app: &App, _page: &mut Page) {}

fn workspace(app: &App, page: &mut Page) {
    let rows = app.rows();
    let counters = counters::counters(&rows);
    page.family(
        "causeway_objects",
        "gauge",
        "Objects ever made in this workspace, by kind.",
    );
    for (kind, count) in [
        ("user", counters.user),
        ("team", counters.team),
        ("channel", counters.channel),
        ("post", counters.post),
        ("connection", counters.connection),
    ] {
        page.sample(&[("kind", kind)], count);
    }
    let lines = app.hub.lines() as u64;
    page.single(
        "causeway_websocket_lines",
        "gauge",
        "WebSocket lines, resumable ones included.",
        lines,
    );
    let now_ms = app.engine.now_ms();
    let connections = sharing::connections(&rows, false);
    page.family(
        "causeway_connection_online",
        "gauge",
        "Whether the connected workspace answered a ping within five minutes.",
    );
    for (_, row) in &connections {
        let online = row.last_ping_at > 0 && now_ms - row.last_ping_at < ONLINE_MS;
        page.sample(&[("connection", &row.name)], online.into());
    }
    page.family(
        "causeway_connection_failures",
        "gauge",
        "Failed sends to the connected workspace in a row.",
    );
    for (_, row) in &connections {
        page.sample(&[("connection", &row.name)], row.failures.into());
    }
}
