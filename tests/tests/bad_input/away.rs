//! A peer that fails for a while: waiting messages leave as soon as it is back. No test here sees a
//! second round of pings: they are an hour apart.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use causeway_kernel::model::Connection;
use causeway_kernel::model::limits::ONLINE_MS;
use causeway_kernel::rows::id::ConnectionNo;
use causeway_kernel::rows::tx::Read;
use causeway_tests::peer::{Answered, Told};
use causeway_tests::scene::{post, wait_for};
use serde_json::json;

use crate::stage::{Stage, frame, take};

const HOUR_MS: i64 = 3_600_000;
/// The only connection of the stage's workspace.
const PEER: ConnectionNo = ConnectionNo(1);

/// Waits until the peer received a post in a request, starting with request number `from`.
async fn arrives(stage: &Stage, post: &str, from: usize) -> Result<()> {
    wait_for("the peer to have a post", async || {
        let asked = stage.handmade.peer.asked(from);
        Ok(asked
            .iter()
            .any(|asked| String::from_utf8_lossy(&asked.body).contains(post)))
    })
    .await
}

#[tokio::test]
async fn a_clock_that_is_set_forward_keeps_no_post_back() -> Result<()> {
    let stage = Stage::new().await?;
    stage.host.clock.set_ahead_ms(ONLINE_MS + 1);
    let written = post(&stage.bob, &stage.shared, "", "after the step").await?;
    arrives(&stage, &written, 0).await
}

#[tokio::test]
async fn a_peer_that_pings_is_sent_what_waits_at_once() -> Result<()> {
    let is_away = Arc::new(AtomicBool::new(false));
    let away = Arc::clone(&is_away);
    let stage = Stage::with_peer(move |asked| {
        if away.load(Ordering::Relaxed) && asked.path.ends_with("/msg") {
            return Told::Answer(Answered {
                status: 503,
                ..Answered::default()
            });
        }
        take(asked)
    })
    .await?;
    is_away.store(true, Ordering::Relaxed);
    let written = post(&stage.bob, &stage.shared, "", "while it is away").await?;
    // The metrics count the call; wait for its receipt, as the pause begins with that.
    wait_for("the receipt of a failed send", async || {
        let row = stage.host.running().app.rows().get::<Connection>(&PEER);
        Ok(row.is_some_and(|row| row.failures > 0))
    })
    .await?;
    // The pause before the next attempt never ends now.
    stage.host.clock.set_ahead_ms(-HOUR_MS);
    let tried = stage.handmade.peer.asked(0).len();
    is_away.store(false, Ordering::Relaxed);
    let ping = json!({ "sent_at": 1, "recv_at": 0 });
    let ping = frame(&stage.handmade.remote_id, "ping", ping);
    assert_eq!(stage.call("ping", &ping).await?.status, 200);
    arrives(&stage, &written, tried).await
}
