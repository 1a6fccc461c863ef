//! Authors see what connected workspaces are still to get of their posts.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::Client;
use causeway_tests::command;
use causeway_tests::scene::{post, wait_for};
use hyper::Method;
use serde_json::{Value, json};

use crate::pair::Pair;

/// How a post stands at the only workspace that its channel is shared with.
async fn standing(asker: &Client, post: &str) -> Result<Value> {
    let path = format!("/posts/{post}/causeway/delivery");
    let shown = asker.get(&path).await?;
    ensure!(shown["post_id"] == post, "{shown}");
    let workspaces = shown["workspaces"].as_array().context("no workspaces")?;
    let [only] = &workspaces[..] else {
        anyhow::bail!("{shown}");
    };
    let is_settled = only["pending"] == "" && only["files"] == json!([]);
    ensure!(shown["is_delivered"] == is_settled, "{shown}");
    Ok(only.clone())
}

async fn wait_to_be(asker: &Client, post: &str, state: &str) -> Result<Value> {
    wait_for(&format!("a post to be {state}"), async || {
        Ok(standing(asker, post).await?["state"] == state)
    })
    .await?;
    standing(asker, post).await
}

/// The ids of the asker's posts that are not yet everywhere.
async fn undelivered(asker: &Client, channel: &str) -> Result<Vec<String>> {
    let path = format!("/channels/{channel}/causeway/undelivered");
    let shown = asker.get(&path).await?;
    ensure!(shown["has_more"] == false, "{shown}");
    let posts = shown["posts"].as_array().cloned().unwrap_or_default();
    let id = |post: &Value| post["post_id"].as_str().map(String::from);
    Ok(posts.iter().filter_map(id).collect())
}

#[tokio::test]
async fn what_waits_for_a_workspace_that_is_down_is_seen_until_it_is_back() -> Result<()> {
    let mut pair = Pair::open(50).await?;
    let channel = pair.channel.clone();
    let ann = &pair.acme.user;
    let sent = post(ann, &channel, "", "before").await?;
    let stands = wait_to_be(ann, &sent, "delivered").await?;
    ensure!(stands["name"] == "globex", "{stands}");
    ensure!(undelivered(ann, &channel).await?.is_empty());
    let nothing = ann.command(&channel, "/share-channel delivery").await?;
    assert_eq!(
        nothing,
        "Nothing that you wrote in this channel waits for a connected workspace."
    );

    pair.globex.workspace.crash()?;
    let kept = post(ann, &channel, "", "while it is down").await?;
    let edit = json!({ "message": "before, and edited" });
    ann.put(&format!("/posts/{sent}/patch"), edit).await?;
    wait_for("the outage to be noticed", async || {
        Ok(standing(ann, &kept).await?["is_online"] == false)
    })
    .await?;
    let stands = wait_to_be(ann, &kept, "waiting").await?;
    ensure!(stands["pending"] == "post", "{stands}");
    ensure!(stands["may_hold_earlier_version"] == false, "{stands}");
    let reason = stands["reason"].as_str().unwrap_or_default();
    ensure!(reason.contains("cannot be reached"), "{stands}");
    ensure!(
        stands["last_ping_at"].as_i64().unwrap_or_default() > 0,
        "{stands}"
    );
    let stands = standing(ann, &sent).await?;
    ensure!(stands["pending"] == "edit", "{stands}");
    ensure!(stands["may_hold_earlier_version"] == true, "{stands}");
    assert_eq!(
        undelivered(ann, &channel).await?,
        [kept.clone(), sent.clone()]
    );
    let listed = ann.command(&channel, "/share-channel delivery").await?;
    ensure!(
        listed.contains(&kept) && listed.contains("not reached since"),
        "{listed}"
    );
    let line = format!("/share-channel delivery --post {sent}");
    let told = ann.command(&channel, &line).await?;
    ensure!(told.contains("its latest edit waits"), "{told}");

    // The administrator sees it of every post, also on the command line; others of none.
    let admin = &pair.acme.side.admin;
    ensure!(standing(admin, &kept).await?["state"] == "waiting");
    ensure!(
        undelivered(admin, &channel).await?.is_empty(),
        "none of them is his"
    );
    let shown = command::post(&pair.acme.side, &["delivery", &kept]).await?;
    ensure!(shown.starts_with("globex: it waits: "), "{shown}");
    let shown = command::post(&pair.acme.side, &["undelivered", &channel]).await?;
    ensure!(shown.starts_with("Nothing that you wrote"), "{shown}");
    let john = pair.acme.side.user("john").await?;
    pair.acme.side.join(&channel, &[&john]).await?;
    let path = format!("/posts/{kept}/causeway/delivery");
    assert_eq!(john.call(Method::GET, &path, None).await?.status, 403);
    let line = format!("/share-channel delivery --post {kept}");
    let told = john.command(&channel, &line).await?;
    ensure!(!told.contains("globex"), "{told}");
    let told = john.command(&channel, "/share-channel status").await?;
    ensure!(told.contains("manage_shared_channels"), "{told}");
    let nothing = format!("/posts/{}/causeway/delivery", "z".repeat(26));
    assert_eq!(ann.call(Method::GET, &nothing, None).await?.status, 404);

    pair.globex.workspace.start_again().await?;
    for post in [&kept, &sent] {
        let stands = wait_to_be(ann, post, "delivered").await?;
        ensure!(stands["pending"] == "", "{stands}");
        // It may take a post before it answers the next ping.
        wait_for("the workspace to be seen again", async || {
            Ok(standing(ann, post).await?["is_online"] == true)
        })
        .await?;
    }
    ensure!(undelivered(ann, &channel).await?.is_empty());
    // What is said to be there is there.
    let carla = &pair.globex.user;
    let there = carla.get(&format!("/posts/{sent}")).await?;
    assert_eq!(there["message"], "before, and edited");
    let there = carla.get(&format!("/posts/{kept}")).await?;
    assert_eq!(there["message"], "while it is down");
    // To globex it is a post of acme.
    let chief = &pair.globex.side.admin;
    ensure!(standing(chief, &kept).await?["state"] == "origin");
    Ok(())
}
