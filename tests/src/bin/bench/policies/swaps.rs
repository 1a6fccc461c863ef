//! Swaps while a backlog crosses, both services work as fast as they can, and people write.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, ensure};
use causeway_tests::client::Client;
use causeway_tests::process::Workspace;
use causeway_tests::scene::{self, Side};

use super::install::{CONTENT_FILTER, bytes, close_gates, load};
use super::pauses;
use crate::hosts::{Pair, backlog};
use crate::line::{Line, line};

/// People who write at each side meanwhile, in a channel of their own.
const WRITERS: usize = 2;

/// What was asked of the services meanwhile.
#[derive(Default)]
struct Asked {
    requests: usize,
    failed: usize,
    swaps: usize,
}

pub async fn run(
    pair: &Pair,
    acme: Workspace,
    globex: Workspace,
    posts: usize,
) -> Result<Vec<Line>> {
    for side in [&pair.acme, &pair.globex] {
        close_gates(side).await?;
    }
    let ready = backlog::prepare(pair, globex, posts).await?;
    let is_over = AtomicBool::new(false);
    let crossing = async {
        let came = ready.arrive(pair).await;
        is_over.store(true, Ordering::Relaxed);
        came
    };
    let (came, here, there) = tokio::join!(
        crossing,
        bother(&pair.acme, &is_over),
        bother(&pair.globex, &is_over)
    );
    let (came, all) = (came?, [here?, there?]);
    let between_ms = came.between_ms;
    let [requests, failed, swaps] = [
        |it: &Asked| it.requests,
        |it: &Asked| it.failed,
        |it: &Asked| it.swaps,
    ]
    .map(|of| all.iter().map(of).sum::<usize>());
    ensure!(swaps > 0, "nothing was swapped");
    let mut lines = vec![line(
        format!("{swaps} swaps under load: requests, of which failed"),
        format!("{requests}, {failed}"),
        "0 failed",
    )];
    for (name, data) in [
        ("sending", acme.stop().await?),
        ("receiving", came.globex.stop().await?),
    ] {
        let found = pauses::found(&data, between_ms)?;
        lines.push(line(
            format!("steps of swaps, {name} side, until the next step, longest"),
            format!("{} ms", found.after_swaps_ms),
            "5 ms",
        ));
        lines.push(line(
            "  other steps meanwhile, p50 / p99 / longest",
            format!(
                "{} / {} / {} ms",
                found.p50_ms, found.p99_ms, found.longest_ms
            ),
            "",
        ));
    }
    Ok(lines)
}

/// Swaps the filter and has people write until the backlog is over.
async fn bother(side: &Side, is_over: &AtomicBool) -> Result<Asked> {
    let (name, settings) = CONTENT_FILTER;
    let component = bytes(name)?;
    let own = side.channel("own", &[]).await?;
    let swapping = async {
        let mut asked = Asked::default();
        while !is_over.load(Ordering::Relaxed) {
            let settings = format!("{settings}word{}\n", asked.swaps);
            let done = load(side, name, &component, &settings).await;
            asked.requests += 1;
            asked.failed += usize::from(done.is_err());
            asked.swaps += 1;
        }
        asked
    };
    let writing = (0..WRITERS).map(|_| write(&side.admin, &own, is_over));
    let (mut all, written) = tokio::join!(swapping, futures_util::future::join_all(writing));
    for asked in written {
        all.requests += asked.requests;
        all.failed += asked.failed;
    }
    Ok(all)
}

async fn write(person: &Client, channel: &str, is_over: &AtomicBool) -> Asked {
    let mut asked = Asked::default();
    while !is_over.load(Ordering::Relaxed) {
        let done = scene::post(person, channel, "", "meanwhile").await;
        asked.requests += 1;
        asked.failed += usize::from(done.is_err());
    }
    asked
}
