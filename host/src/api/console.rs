//! What stands outside `/api/v4`: metrics.

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use causeway_kernel::model::limits::ONLINE_MS;
use causeway_kernel::rows::counters;
use causeway_views::query::sharing;

use super::place::Place;
use super::{App, Shared};
use crate::http::ApiError;
use crate::metrics::Page;

/// Routes of this file.
pub fn routes() -> Router<Shared> {
    Router::new().route("/metrics", get(metrics))
}

/// The metrics, for this machine only unless the configuration says otherwise.
async fn metrics(State(app): State<Shared>, place: Place) -> Result<Response, ApiError> {
    if place != Place::Machine && !app.settings.metrics_public {
        return Err(ApiError::not_found_route());
    }
    let mut page = Page::default();
    app.metrics.render(&mut page);
    app.federation.render_metrics(&mut page);
    engine(&app, &mut page);
    workspace(&app, &mut page);
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], page.into_text()).into_response())
}

fn engine(app: &App, page: &mut Page) {
    let status = app.engine.status();
    let gauges = [
        (
            "causeway_read_only",
            "Whether nothing can be written, because the disk refuses.",
            status.read_only.is_some().into(),
        ),
        (
            "causeway_inputs_waiting",
            "Inputs that wait for the writer.",
            status.waiting as u64,
        ),
        (
            "causeway_journal_entry",
            "Number of the last durable entry of the journal.",
            status.seq,
        ),
        (
            "causeway_rows_in_memory",
            "Rows that are durable in the journal and not in the tables yet.",
            status.rows_in_memory as u64,
        ),
    ];
    for (name, help, value) in gauges {
        page.single(name, "gauge", help, value);
    }
    let counters = [
        ("causeway_steps_total", "Steps made durable.", status.steps),
        (
            "causeway_steps_stopped_total",
            "Steps that were stopped.",
            status.stopped_steps,
        ),
        (
            "causeway_journal_syncs_total",
            "Groups of steps made durable, each by one sync.",
            status.groups,
        ),
        (
            "causeway_journal_bytes_total",
            "Bytes written to the journal.",
            status.journal_bytes,
        ),
        (
            "causeway_journal_sync_microseconds_total",
            "Time in those writes and syncs.",
            status.sync_us,
        ),
        (
            "causeway_checkpoints_total",
            "Checkpoints of the tables.",
            status.checkpoints,
        ),
        (
            "causeway_checkpoint_microseconds_total",
            "Time in them, off the writer.",
            status.checkpoint_us,
        ),
        (
            "causeway_snapshots_total",
            "Snapshots made so that segments of the journal can go.",
            status.snapshots,
        ),
        (
            "causeway_journal_segments_dropped_total",
            "Segments of the journal dropped because a snapshot covers them.",
            status.dropped_segments,
        ),
    ];
    for (name, help, value) in counters {
        page.single(name, "counter", help, value);
    }
}

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
    page.single(
        "causeway_answer_bytes",
        "gauge",
        "Bytes of large answers that clients have not read yet.",
        app.answers.held_bytes() as u64,
    );
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
