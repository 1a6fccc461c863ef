//! `/metrics` shows what the dashboards and alerts of installations rely on: names, types and
//! labels do not change.

use anyhow::{Result, ensure};
use causeway_tests::peer;
use causeway_tests::process::{Workspace, free_port};

/// Every family with its type, and the samples that exist before anything has happened.
const PAGE: &str = "\
causeway_http_responses_total counter {class=\"1xx\"} {class=\"2xx\"} {class=\"3xx\"} {class=\"4xx\"} {class=\"5xx\"}
causeway_events_total counter
causeway_commands_refused_total counter
causeway_items_refused_total counter
causeway_federation_sends_total counter {outcome=\"answered\"} {outcome=\"refused\"} {outcome=\"unknown\"} {outcome=\"never_left\"}
causeway_federation_pings_total counter {outcome=\"answered\"} {outcome=\"failed\"}
causeway_federation_turned_away_total counter
causeway_federation_handshakes_total counter
causeway_federation_requests_refused_total counter
causeway_federation_codes_refused_total counter
causeway_read_only gauge
causeway_inputs_waiting gauge
causeway_journal_entry gauge
causeway_rows_in_memory gauge
causeway_steps_total counter
causeway_steps_stopped_total counter
causeway_journal_syncs_total counter
causeway_journal_bytes_total counter
causeway_journal_sync_microseconds_total counter
causeway_checkpoints_total counter
causeway_checkpoint_microseconds_total counter
causeway_snapshots_total counter
causeway_journal_segments_dropped_total counter
causeway_objects gauge {kind=\"user\"} {kind=\"team\"} {kind=\"channel\"} {kind=\"post\"} {kind=\"connection\"}
causeway_answer_bytes gauge
causeway_http_connections gauge {kind=\"known\"} {kind=\"strangers\"}
causeway_http_connections_evicted_total counter
causeway_http_connections_refused_total counter
causeway_websocket_lines gauge
causeway_websocket_bytes gauge
causeway_connection_online gauge
causeway_connection_failures gauge
";

#[tokio::test]
async fn the_families_of_metrics_keep_their_names_types_and_labels() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let workspace = Workspace::start("metered", &folder.path().join("data"), free_port()?).await?;
    let url = format!("{}/metrics", workspace.site_url());
    let answer = peer::send("GET", &url, &[], Vec::new()).await?;
    let page = String::from_utf8(answer.body)?;
    for line in PAGE.lines() {
        let mut words = line.split(' ');
        let (name, kind) = (words.next().unwrap(), words.next().unwrap());
        let of_type = format!("# TYPE {name} {kind}\n");
        ensure!(page.contains(&of_type), "no {of_type}in\n{page}");
        ensure!(
            page.contains(&format!("# HELP {name} ")),
            "no help on {name}"
        );
        for labels in words {
            let sample = format!("\n{name}{labels} ");
            ensure!(page.contains(&sample), "no {sample} in\n{page}");
        }
    }
    workspace.stop().await?;
    Ok(())
}
