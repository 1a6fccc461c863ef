//! From the POST on one side to the event on the other side's WebSocket.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;

use super::Pair;
use crate::line::{Line, line};
use crate::spread::{ms, percentile};
use causeway_tests::scene;

const POSTS: usize = 300;

pub async fn run(pair: &Pair, sync: Duration) -> Result<Vec<Line>> {
    let mut events = pair.globex.admin.events().await?;
    let mut times = Vec::new();
    for number in 0..POSTS + 10 {
        let text = format!("latency {number}");
        let begun = Instant::now();
        scene::post(&pair.acme.admin, &pair.channel, "", &text).await?;
        let is_it = |event: &Value| {
            let post = event["data"]["post"].as_str();
            post.is_some_and(|it| it.contains(&text))
        };
        events.next("posted", is_it, scene::SYNC_DEADLINE).await?;
        // The first ones include opening connections, which are then kept.
        if number >= 10 {
            times.push(begun.elapsed());
        }
    }
    times.sort();
    let p50 = percentile(&times, 50);
    let beyond = p50.saturating_sub(sync * 2);
    Ok(vec![
        line(
            "POST to the other side's WebSocket event, p50 / p99",
            format!("{} / {}", ms(p50), ms(percentile(&times, 99))),
            "",
        ),
        line("  of p50 beyond two syncs", ms(beyond), "10 ms"),
    ])
}
