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

/// What was written while the receiver was down; it is up again.
pub struct Ready {
    globex: Workspace,
    /// Posts that the receiver showed before.
    shown: i64,
    posts: i64,
    written: Duration,
    began_at_ms: i64,
}

/// A backlog that has arrived.
pub struct Came {
    /// The receiver.
    pub globex: Workspace,
    /// Posts that arrived per second.
    pub posts_per_second: f64,
    /// When the first and the last post were there, in ms since the Unix epoch.
    pub between_ms: [i64; 2],
}

pub async fn run(pair: &Pair, globex: Workspace, posts: usize) -> Result<(Vec<Line>, Backlog)> {
    let ready = prepare(pair, globex, posts).await?;
    let (written, began_at_ms) = (ready.written, ready.began_at_ms);
    let came = ready.arrive(pair).await?;
    came.globex.stop().await?;
    let posts_per_second = came.posts_per_second;
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

/// Writes posts while the receiver is down, and starts it again.
pub async fn prepare(pair: &Pair, globex: Workspace, posts: usize) -> Result<Ready> {
    let shown = count(&pair.globex.admin, &pair.channel).await?;
    let (name, port) = (globex.name.clone(), globex.port);
    let data = globex.stop().await?;
    let written = write(pair, posts).await?;
    let began_at_ms = now_ms()?;
    Ok(Ready {
        globex: Workspace::start(&name, &data, port).await?,
        shown,
        posts: i64::try_from(posts)?,
        written,
        began_at_ms,
    })
}

fn now_ms() -> Result<i64> {
    Ok(i64::try_from(UNIX_EPOCH.elapsed()?.as_millis())?)
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

impl Ready {
    /// Measures from the first new post shown to the last one: the pause before that is the sender's
    /// backoff.
    pub async fn arrive(self, pair: &Pair) -> Result<Came> {
        let begun = Instant::now();
        let mut first: Option<(i64, Instant, i64)> = None;
        loop {
            ensure!(begun.elapsed() < DEADLINE, "the backlog did not arrive");
            let now = count(&pair.globex.admin, &pair.channel).await?;
            let at = Instant::now();
            if now > self.shown {
                let (shown, since, since_ms) = *first.get_or_insert((now, at, now_ms()?));
                if now >= self.shown + self.posts {
                    let took = (at - since).max(Duration::from_millis(1));
                    return Ok(Came {
                        globex: self.globex,
                        posts_per_second: (now - shown) as f64 / took.as_secs_f64(),
                        between_ms: [since_ms, now_ms()?],
                    });
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn count(client: &Client, channel: &str) -> Result<i64> {
    let found = client.get(&format!("/channels/{channel}")).await?;
    found["total_msg_count"]
        .as_i64()
        .context("a channel has its number of posts")
}
