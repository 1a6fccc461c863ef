//! `kill -9` at any moment: nothing acknowledged is lost or duplicated.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use causeway_tests::client::Client;
use causeway_tests::command::replay;
use causeway_tests::scene::{SYNC_DEADLINE, wait_for};
use hyper::Method;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::pair::Pair;

/// Posts of the backlog.
const POSTS: usize = 2_000;
/// Posts that the other side writes while the backlog is sent.
const ANSWERS: usize = 200;
/// Clients that write at the same time.
const WRITERS: usize = 8;
/// How often each side is killed while the backlog is sent, and the writing side before that.
const KILLS: usize = 4;
/// Posts per message: few, so that sending the backlog lasts for all kills.
const POSTS_PER_SYNC_MAX: u32 = 5;

/// Pause before a post is retried.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// Acknowledged posts: id by text.
type Acknowledged = BTreeMap<String, String>;

/// Posts being written by clients that retry each one until it is acknowledged.
struct Writing {
    done: Arc<AtomicUsize>,
    writers: Vec<JoinHandle<Result<Acknowledged>>>,
}

impl Writing {
    fn begin(user: &Client, channel: &str, name: &'static str, posts: usize) -> Writing {
        let done = Arc::new(AtomicUsize::new(0));
        let writers = (0..WRITERS).map(|writer| {
            let (user, channel, done) = (user.clone(), channel.to_string(), Arc::clone(&done));
            tokio::spawn(async move {
                let mut acknowledged = Acknowledged::new();
                for number in (writer..posts).step_by(WRITERS) {
                    let text = format!("{name} {number}");
                    let id = write(&user, &channel, &text).await?;
                    acknowledged.insert(text, id);
                    done.fetch_add(1, Ordering::Relaxed);
                }
                Ok(acknowledged)
            })
        });
        Writing {
            writers: writers.collect(),
            done,
        }
    }

    async fn end(self) -> Result<Acknowledged> {
        let mut all = Acknowledged::new();
        for writer in self.writers {
            all.append(&mut writer.await??);
        }
        Ok(all)
    }
}

/// Sends a post with the same key until it is acknowledged, and returns its id.
async fn write(user: &Client, channel: &str, text: &str) -> Result<String> {
    let body = json!({ "channel_id": channel, "message": text, "pending_post_id": text });
    let begun = Instant::now();
    while begun.elapsed() < SYNC_DEADLINE {
        let answer = user.call(Method::POST, "/posts", Some(body.clone())).await;
        match answer {
            Ok(answer) if answer.status < 500 => {
                let post = answer.ok()?;
                return Ok(post["id"].as_str().context("no id")?.to_string());
            }
            // No answer, or one from a service that is about to end.
            _ => tokio::time::sleep(RETRY_PAUSE).await,
        }
    }
    bail!("a post was not taken within {SYNC_DEADLINE:?}")
}

async fn messages(reader: &Client, channel: &str) -> Result<usize> {
    let found = reader.get(&format!("/channels/{channel}")).await?;
    let count = found["total_msg_count"].as_u64();
    Ok(usize::try_from(count.context("no total_msg_count")?)?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_both_sides_lose_nothing_acknowledged_and_double_nothing() -> Result<()> {
    let mut pair = Pair::open(POSTS_PER_SYNC_MAX).await?;
    let channel = pair.channel.clone();

    // The backlog builds up while the other side is down; the writing side is killed as well.
    pair.globex.workspace.crash()?;
    let writing = Writing::begin(&pair.acme.user, &channel, "acme", POSTS);
    for kill in 1..=KILLS {
        wait_for("posts to be acknowledged", async || {
            Ok(writing.done.load(Ordering::Relaxed) >= kill * POSTS / (KILLS + 1))
        })
        .await?;
        pair.acme.workspace.crash()?;
        pair.acme.workspace.start_again().await?;
    }
    let mut acknowledged = writing.end().await?;
    ensure!(acknowledged.len() == POSTS, "not every post was written");

    // It is sent while both sides are killed in turn and the other side writes, too.
    pair.globex.workspace.start_again().await?;
    let answering = Writing::begin(&pair.globex.user, &channel, "globex", ANSWERS);
    let mut kills_in_the_backlog = 0;
    for kill in 1..=2 * KILLS {
        wait_for("a part of the backlog to arrive", async || {
            let arrived = messages(&pair.globex.user, &channel).await?;
            Ok(arrived >= kill * POSTS / (2 * KILLS + 1))
        })
        .await?;
        let victim = if kill % 2 == 0 {
            &mut pair.acme.workspace
        } else {
            &mut pair.globex.workspace
        };
        victim.crash()?;
        victim.start_again().await?;
        let arrived = messages(&pair.globex.user, &channel).await?;
        kills_in_the_backlog += usize::from(arrived < POSTS);
    }
    ensure!(
        kills_in_the_backlog > KILLS,
        "the backlog was through after {kills_in_the_backlog} kills"
    );
    acknowledged.append(&mut answering.end().await?);

    let shown = pair.converged().await?;
    assert_eq!(shown.len(), POSTS + ANSWERS);
    for post in &shown {
        // Each text was acknowledged with one id; because it is removed here, a second copy would fail.
        assert_eq!(acknowledged.remove(&post.message).as_ref(), Some(&post.id));
    }
    assert!(acknowledged.is_empty(), "{} are lost", acknowledged.len());

    for end in [&pair.acme, &pair.globex] {
        replay(&end.workspace.data).await?;
    }
    Ok(())
}
