//! `GET /metrics`, outside `/api/v4`: counters and state of the service.

use std::fmt;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use causeway_kernel::rows::counters;
use causeway_views::query::sharing;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::policy_metrics;
use crate::app::{App, SharedApp};
use crate::client_address::ClientAddress;
use crate::http::ApiError;
use crate::metrics::{self, Label, Page};

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new().route("/metrics", get(show))
}

/// The metrics, for this machine only unless configured otherwise.
async fn show(State(app): State<SharedApp>, client: ClientAddress) -> Result<Response, ApiError> {
    if client != ClientAddress::Machine && !app.settings.metrics_public {
        return Err(ApiError::not_found_route());
    }
    let page = metrics::page(move |page| {
        app.metrics.encode(page)?;
        app.federation.encode_metrics(page)?;
        engine(&app, page)?;
        workspace(&app, page)
    });
    let page = page.map_err(|_| ApiError::internal())?;
    Ok(([(CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], page).into_response())
}

fn engine(app: &App, page: &mut Page<'_>) -> fmt::Result {
    let status = app.engine.status();
    let gauges = [
        (
            "causeway_read_only",
            "Whether the workspace is read-only because the disk refuses writes.",
            status.read_only.is_some().into(),
        ),
        (
            "causeway_inputs_waiting",
            "Inputs waiting for the writer.",
            status.waiting as u64,
        ),
        (
            "causeway_journal_entry",
            "Number of the last durable entry of the journal.",
            status.seq,
        ),
        (
            "causeway_rows_in_memory",
            "Rows that are durable in the journal but not in the tables yet.",
            status.rows_in_memory as u64,
        ),
    ];
    for (name, help, value) in gauges {
        page.metric(name, help, &ConstGauge::new(value))?;
    }
    let counters = [
        ("causeway_steps", "Steps made durable.", status.steps),
        (
            "causeway_steps_stopped",
            "Steps that were stopped.",
            status.stopped_steps,
        ),
        (
            "causeway_journal_syncs",
            "Groups of steps made durable, each by one sync.",
            status.groups,
        ),
        (
            "causeway_journal_bytes",
            "Bytes written to the journal.",
            status.journal_bytes,
        ),
        (
            "causeway_journal_sync_microseconds",
            "Time spent in journal writes and syncs.",
            status.sync_us,
        ),
        (
            "causeway_checkpoints",
            "Checkpoints of the tables.",
            status.checkpoints,
        ),
        (
            "causeway_checkpoint_microseconds",
            "Time spent in checkpoints, off the writer.",
            status.checkpoint_us,
        ),
        (
            "causeway_snapshots",
            "Snapshots made so that journal segments can be dropped.",
            status.snapshots,
        ),
        (
            "causeway_journal_segments_dropped",
            "Journal segments dropped because a snapshot covers them.",
            status.dropped_segments,
        ),
    ];
    for (name, help, value) in counters {
        page.metric(name, help, &ConstCounter::new(value))?;
    }
    Ok(())
}

fn workspace(app: &App, page: &mut Page<'_>) -> fmt::Result {
    let rows = app.rows();
    let counters = counters::counters(&rows);
    gauges(
        page,
        "causeway_objects",
        "Objects ever created in this workspace, by kind.",
        [
            ([("kind", "user")], counters.user),
            ([("kind", "team")], counters.team),
            ([("kind", "channel")], counters.channel),
            ([("kind", "post")], counters.post),
            ([("kind", "connection")], counters.connection),
        ],
    )?;
    page.metric(
        "causeway_answer_bytes",
        "Bytes of large responses that clients have not read yet.",
        &ConstGauge::new(app.answers.held_bytes() as u64),
    )?;
    let totals = app.connections.totals();
    gauges(
        page,
        "causeway_http_connections",
        "Open connections of clients and peers, WebSockets included.",
        [
            ([("kind", "known")], totals.known as u64),
            ([("kind", "strangers")], totals.strangers as u64),
        ],
    )?;
    page.metric(
        "causeway_http_connections_evicted",
        "Strangers' connections closed to make room for others.",
        &ConstCounter::new(totals.evicted),
    )?;
    page.metric(
        "causeway_http_connections_refused",
        "Connections closed as soon as they were accepted.",
        &ConstCounter::new(totals.refused),
    )?;
    page.metric(
        "causeway_websocket_lines",
        "WebSocket lines, resumable ones included.",
        &ConstGauge::new(app.hub.lines() as u64),
    )?;
    page.metric(
        "causeway_websocket_bytes",
        "Bytes of events waiting for WebSocket clients, or kept for clients that may resume.",
        &ConstGauge::new(app.hub.held_bytes() as u64),
    )?;
    let connections = sharing::connections(&rows, false);
    let online = connections.iter().map(|(no, row)| {
        let is_online = app.federation.is_online(*no, row);
        ([("connection", row.name.as_str())], is_online.into())
    });
    gauges(
        page,
        "causeway_connection_online",
        "Whether the connected workspace answered the last ping, within five minutes.",
        online,
    )?;
    let failures = connections.iter().map(|(no, row)| {
        let failures = app.federation.failures(*no, row);
        ([("connection", row.name.as_str())], failures.into())
    });
    gauges(
        page,
        "causeway_connection_failures",
        "Consecutive failed pings of the connected workspace, or messages to it.",
        failures,
    )?;
    policy_metrics::policies(app, page)?;
    policy_metrics::shadows(app, page)
}

/// Appends gauges of one name, each with its label.
fn gauges<'v>(
    page: &mut Page<'_>,
    name: &str,
    help: &str,
    samples: impl IntoIterator<Item = (Label<&'v str>, u64)>,
) -> fmt::Result {
    let samples = samples.into_iter();
    let samples: Vec<_> = samples
        .map(|(label, value)| (label, ConstGauge::new(value)))
        .collect();
    page.labelled(name, help, samples.iter().map(|(label, it)| (label, it)))
}
