//! Whatever happens to the connection between two workspaces, they converge.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::Client;
use causeway_tests::peer::metric;
use causeway_tests::scene::{post, visible, wait_for};
use hyper::Method;
use serde_json::{Value, json};

use crate::pair::Pair;

/// Posts that each side writes while the link is cut; more than fit into one message.
const POSTS_OF_A_SIDE: usize = 120;

#[tokio::test]
async fn an_outage_heals_by_itself_and_everything_missing_is_delivered() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let opening = post(ann, &pair.channel, "", "before the outage").await?;
    wait_for("the first post to arrive", async || {
        Ok(carla.get(&format!("/posts/{opening}")).await.is_ok())
    })
    .await?;

    pair.cut();
    let mut ours = Vec::new();
    for number in 0..POSTS_OF_A_SIDE {
        ours.push(post(ann, &pair.channel, "", &format!("acme {number}")).await?);
        post(carla, &pair.channel, "", &format!("globex {number}")).await?;
    }
    // Posts written during the outage are changed during it, too.
    let (first, last) = (
        ours.first().context("no post")?,
        ours.last().context("no post")?,
    );
    let edit = json!({ "message": "mended in the outage" });
    ann.put(&format!("/posts/{first}/patch"), edit).await?;
    ann.delete(&format!("/posts/{last}")).await?;
    post(carla, &pair.channel, &opening, "a reply in the outage").await?;
    let me = carla.get("/users/me").await?;
    let reaction = json!({ "user_id": me["id"], "post_id": opening, "emoji_name": "anchor" });
    carla.post("/reactions", reaction).await?;
    ensure!(
        carla.get(&format!("/posts/{first}")).await.is_err(),
        "the line was not cut"
    );

    pair.mend();
    let shown = pair.converged().await?;
    // The opening, both sides' posts but for the deleted one, and the reply.
    assert_eq!(shown.len(), 1 + 2 * POSTS_OF_A_SIDE - 1 + 1);
    let has = |text: &str| shown.iter().filter(|post| post.message == text).count();
    assert_eq!(has("mended in the outage"), 1);
    assert_eq!(has("a reply in the outage"), 1);
    assert_eq!(has(&format!("acme {}", POSTS_OF_A_SIDE - 1)), 0);
    let opening = shown.iter().find(|post| post.id == opening);
    assert_eq!(opening.context("the opening is gone")?.reactions.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_line_that_breaks_again_and_again_loses_nothing_and_doubles_nothing() -> Result<()> {
    const POSTS: usize = 400;
    const CUTS: usize = 8;
    let pair = Pair::open(5).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    pair.cut();
    for number in 0..POSTS {
        post(ann, &pair.channel, "", &format!("acme {number}")).await?;
    }
    // Each cut comes after some more posts have passed, in the middle of any transfer.
    for cut in 1..CUTS {
        pair.mend();
        wait_for("a part to arrive", async || {
            Ok(visible(carla, &pair.channel).await?.len() >= cut * POSTS / (2 * CUTS))
        })
        .await?;
        pair.cut();
    }
    pair.mend();
    let shown = pair.converged().await?;
    assert_eq!(shown.len(), POSTS);
    Ok(())
}

#[tokio::test]
async fn a_peer_that_is_down_does_not_disturb_the_own_workspace() -> Result<()> {
    let mut pair = Pair::open(50).await?;
    pair.globex.workspace.crash()?;
    let ann = &pair.acme.user;
    let written = post(ann, &pair.channel, "", "while the peer is away").await?;
    let answer = ann
        .call(Method::GET, &format!("/posts/{written}"), None)
        .await?;
    assert_eq!(answer.status, 200);
    let status = pair
        .acme
        .side
        .admin
        .command(&pair.channel, "/share-channel status")
        .await?;
    assert!(status.contains("globex"), "{status}");
    Ok(())
}

/// What acme reports about its connection to globex.
struct Word<'p>(&'p Pair);

impl Word<'_> {
    /// Number of lines in its log that contain a text.
    fn logged(&self, text: &str) -> Result<usize> {
        let log = std::fs::read_to_string(self.0.acme.workspace.data.join("log"))?;
        Ok(log.lines().filter(|line| line.contains(text)).count())
    }

    async fn metric(&self, name: &str) -> Result<u64> {
        let name = format!("causeway_connection_{name}{{connection=\"globex\"}}");
        metric(&self.0.acme.workspace.site_url(), &name).await
    }

    async fn status(&self) -> Result<String> {
        let admin = &self.0.acme.side.admin;
        let channel = &self.0.channel;
        admin.command(channel, "/secure-connection status").await
    }
}

#[tokio::test]
async fn a_peer_that_goes_away_refuses_and_comes_back_is_told_of_once_each_time() -> Result<()> {
    const FAILURES: u64 = 3;
    let mut pair = Pair::open(50).await?;
    let word = Word(&pair);
    wait_for("the peer to be online", async || {
        Ok(word.metric("online").await? == 1)
    })
    .await?;
    pair.globex.workspace.crash()?;
    let word = Word(&pair);
    wait_for("pings to fail", async || {
        Ok(word.metric("failures").await? >= FAILURES)
    })
    .await?;
    assert_eq!(word.metric("online").await?, 0);
    let status = word.status().await?;
    ensure!(status.contains("it could not be reached") || status.contains("did not answer"));
    pair.globex.workspace.start_again().await?;
    let word = Word(&pair);
    wait_for("the peer to be online again", async || {
        Ok(word.metric("online").await? == 1 && word.metric("failures").await? == 0)
    })
    .await?;
    // Only pings, as nothing was sent meanwhile. A connection that breaks during a ping is a different
    // failure from a port on which nobody listens.
    let away = word.logged("the peer is unreachable")?;
    ensure!((1..=2).contains(&away), "{away} lines");
    assert_eq!(word.logged("the peer is reachable again")?, 1);

    let record = pair.globex.side.connection("acme").await?;
    let record = record.context("globex knows acme")?;
    let remote_id = record["remote_id"].as_str().unwrap_or_default();
    let path = format!("/remotecluster/{remote_id}");
    pair.globex.side.admin.delete(&path).await?;
    wait_for("pings to be refused", async || {
        Ok(word.metric("failures").await? >= FAILURES)
    })
    .await?;
    assert_eq!(word.logged("it refuses our token (401)")?, 1);
    assert_eq!(word.metric("online").await?, 0);
    Ok(())
}

/// What the messages of a channel report about interruptions, in their order.
async fn interruptions(member: &Client, channel: &str) -> Result<Vec<String>> {
    let path = format!("/channels/{channel}/posts?per_page=200");
    let list = member.get(&path).await?;
    let order = list["order"].as_array().cloned().unwrap_or_default();
    let posts = order
        .iter()
        .rev()
        .filter_map(|id| list["posts"].get(id.as_str()?));
    let state = |post: &Value| Some(post["props"]["shared_channel_state"].as_str()?.to_string());
    Ok(posts.filter_map(state).collect())
}

#[tokio::test]
async fn an_interruption_shows_in_the_channel_and_so_does_its_end() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let first = post(ann, &pair.channel, "", "before").await?;
    wait_for("the first post to arrive", async || {
        Ok(carla.get(&format!("/posts/{first}")).await.is_ok())
    })
    .await?;
    for side in [&pair.acme.side, &pair.globex.side] {
        let body = json!({ "CausewaySettings": { "InterruptionNoticeSeconds": 1 } });
        side.admin.put("/config/patch", body).await?;
    }
    pair.cut();
    for member in [ann, carla] {
        wait_for("word of the interruption", async || {
            let told = interruptions(member, &pair.channel).await?;
            Ok(told.last().is_some_and(|state| state == "interrupted"))
        })
        .await?;
    }
    post(ann, &pair.channel, &first, "into the silence").await?;
    pair.mend();
    for member in [ann, carla] {
        wait_for("word of its end", async || {
            let told = interruptions(member, &pair.channel).await?;
            Ok(told.last().is_some_and(|state| state == "restored"))
        })
        .await?;
    }
    let shown = pair.converged().await?;
    assert_eq!(shown.len(), 2);
    // Neither side was sent the other's messages: they alternate.
    for member in [ann, carla] {
        let told = interruptions(member, &pair.channel).await?;
        let expected = ["interrupted", "restored"].iter().cycle().take(told.len());
        assert!(told.iter().eq(expected), "{told:?}");
    }
    Ok(())
}
