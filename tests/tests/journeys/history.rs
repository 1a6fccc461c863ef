//! How much of a channel's history the other workspace gets is decided with the invitation.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::Client;
use causeway_tests::command::connection;
use causeway_tests::scene::{post, visible, wait_for};
use hyper::Method;
use serde_json::json;

use crate::pair::Pair;

/// Texts that a member of globex sees in a channel, once there are as many as expected.
async fn texts(reader: &Client, channel: &str, number: usize) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    wait_for("the posts of the channel", async || {
        let Ok(shown) = visible(reader, channel).await else {
            return Ok(false);
        };
        let shown = shown.into_iter().map(|post| post.message);
        texts = shown.filter(|text| text.starts_with("post")).collect();
        Ok(texts.len() >= number)
    })
    .await?;
    texts.sort();
    Ok(texts)
}

/// A channel of acme with two posts, and the time after the first one, in ms.
async fn channel(pair: &Pair, name: &str) -> Result<(String, i64)> {
    let acme = &pair.acme;
    let channel = acme.side.channel(name, &[&acme.user]).await?;
    let first = post(&acme.user, &channel, "", "post 1").await?;
    let made = acme.user.get(&format!("/posts/{first}")).await?;
    let after = made["create_at"].as_i64().context("its time")? + 1;
    // Posts of a channel never share a time.
    post(&acme.user, &channel, "", "post 2").await?;
    Ok((channel, after))
}

#[tokio::test]
async fn a_channel_is_shared_with_all_of_its_history_some_or_none() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (acme, admin) = (&pair.acme.side, &pair.globex.side.admin);
    let id = acme.remote_id("globex").await?;

    let (all, _) = channel(&pair, "all").await?;
    let command = format!("/share-channel invite --connectionID {id} --history all");
    let said = acme.admin.command(&all, &command).await?;
    ensure!(said.contains("invitation has been sent"), "{said}");
    ensure!(texts(admin, &all, 2).await? == ["post 1", "post 2"]);

    let (some, after) = channel(&pair, "some").await?;
    let since = jiff::Timestamp::from_millisecond(after)?.to_string();
    let invite = ["invite", &*id, &*some, "--history", &*since];
    connection(acme, &invite, "").await?;
    ensure!(texts(admin, &some, 1).await? == ["post 2"]);

    let (none, _) = channel(&pair, "none").await?;
    let path = format!("/remotecluster/{id}/channels/{none}/invite");
    acme.admin.post(&path, json!({ "history": "none" })).await?;
    wait_for("the channel", async || {
        Ok(admin.get(&format!("/channels/{none}")).await.is_ok())
    })
    .await?;
    post(&pair.acme.user, &none, "", "post 3").await?;
    ensure!(texts(admin, &none, 1).await? == ["post 3"]);

    // Nothing of it came later.
    ensure!(texts(admin, &some, 1).await? == ["post 2"]);
    let (other, _) = channel(&pair, "other").await?;
    let command = format!("/share-channel invite --connectionID {id} --history yesterday");
    let said = acme.admin.command(&other, &command).await?;
    ensure!(said.contains("2026-01-31"), "{said}");
    let path = format!("/remotecluster/{id}/channels/{other}/invite");
    let body = json!({ "history": "yesterday" });
    let refused = acme.admin.call(Method::POST, &path, Some(body)).await?;
    ensure!(refused.status == 400, "{}", refused.body);
    Ok(())
}
