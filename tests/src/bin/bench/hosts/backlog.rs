//! A backlog: one side is down while posts are written, and then comes back.

use std::time::{Duration, Instant, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use causeway_tests::client::Client;
use causeway_tests::process::Workspace;
use causeway_tests::scene;

use super::Pair;
use crate::line::{Line, line};

/// Clients that write at the same time.
const CLIENTS: usize = 8;
/// How long a backlog may take to begin and to end.
const DEADLINE: Duration = Duration::from_secs(180);

/// The results for a backlog.
pub struct Backlog {
    /// Number of posts.
    pub posts: usize,
    /// When the receiver came back, in ms since the Unix epoch.
    pub began_at_ms: i64,
    /// Posts that arrived per second.
    pub posts_per_second: f64,
}

pub async fn run(pair: &Pair, globex: Workspace, posts: usize) -> Result<(Vec<Line>, Backlog)> {
    let (name, port) = (globex.name.clone(), globex.port);
    let data = globex.stop().await?;
    let written = write(pair, posts).await?;
    let began_at_ms = i64::try_from(UNIX_EPOCH.elapsed()?.as_millis())?;
    let globex = Workspace::start(&name, &data, port).await?;
    let (count, took) = arrive(pair, posts as i64).await?;
    globex.stop().await?;
    let posts_per_second = count as f64 / took.as_secs_f64();
    let backlog = Backlog {
        posts,
        began_at_ms,
        posts_per_second,
    };
    let lines = vec![
        line(
            "REST posts with 8 clients, posts/s",
            format!("{:.0}", posts as f64 / written.as_secs_f64()),
            "",
        ),
        line(
            "backlog between two services, batches of 50, posts/s",
            format!("{posts_per_second:.0}"),
            "10,000",
        ),
    ];
    Ok((lines, backlog))
}

async fn write(pair: &Pair, posts: usize) -> Result<Duration> {
    let begun = Instant::now();
    let mut clients = Vec::new();
    for client in 0..CLIENTS {
        let (admin, channel) = (pair.acme.admin.clone(), pair.channel.clone());
        clients.push(tokio::spawn(async move {
            for number in (client..posts).step_by(CLIENTS) {
                let text = format!("post {number}: the quick brown fox jumps over the lazy dog");
                scene::post(&admin, &channel, "", &text).await?;
            }
            anyhow::Ok(())
        }));
    }
    for client in clients {
        client.await??;
    }
    Ok(begun.elapsed())
}

/// Measures from the first new post shown to the last one: the pause before that is the sender's
/// backoff.
async fn arrive(pair: &Pair, posts: i64) -> Result<(i64, Duration)> {
    let before = count(&pair.globex.admin, &pair.channel).await?;
    let begun = Instant::now();
    let mut first: Option<(i64, Instant)> = None;
    loop {
        ensure!(begun.elapsed() < DEADLINE, "the backlog did not arrive");
        let now = count(&pair.globex.admin, &pair.channel).await?;
        let at = Instant::now();
        if now > before {
            let (shown, since) = *first.get_or_insert((now, at));
            if now >= before + posts {
                return Ok((now - shown, at - since));
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn count(client: &Client, channel: &str) -> Result<i64> {
    let found = client.get(&format!("/channels/{channel}")).await?;
    found["total_msg_count"]
        .as_i64()
        .context("a channel has its number of posts")
}
