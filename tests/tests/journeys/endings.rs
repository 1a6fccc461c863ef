//! A channel is no longer shared: its guests archive it, its members everywhere are told, and it comes back.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::Client;
use causeway_tests::command::connection;
use causeway_tests::scene::{post, text_arrives, wait_for};
use hyper::Method;
use serde_json::json;

use crate::pair::Pair;

/// Texts of a channel that begin like this, system messages included.
async fn said(reader: &Client, channel: &str, beginning: &str) -> Result<usize> {
    let page = reader.get(&format!("/channels/{channel}/posts")).await?;
    let posts = page["posts"].as_object().context("posts")?;
    let texts = posts.values().filter_map(|post| post["message"].as_str());
    Ok(texts.filter(|text| text.starts_with(beginning)).count())
}

/// Waits until a channel is archived, or open.
async fn is_archived(reader: &Client, channel: &str, expected: bool) -> Result<()> {
    wait_for("the channel's state", async || {
        let row = reader.get(&format!("/channels/{channel}")).await?;
        Ok((row["delete_at"] != 0) == expected)
    })
    .await
}

#[tokio::test]
async fn a_channel_that_its_home_takes_back_is_archived_and_returns_with_its_sharing() -> Result<()>
{
    let pair = Pair::open(50).await?;
    let (acme, admin) = (&pair.acme.side, &pair.globex.side.admin);
    let (to, from) = (
        acme.remote_id("globex").await?,
        pair.globex.side.remote_id("acme").await?,
    );
    let channel = acme.channel("plans", &[&pair.acme.user]).await?;
    connection(acme, &["invite", &to, &channel], "").await?;
    post(&pair.acme.user, &channel, "", "one").await?;
    text_arrives(admin, &channel, "one").await?;

    connection(acme, &["uninvite", &to, &channel], "").await?;
    is_archived(admin, &channel, true).await?;
    let ended = "This channel is no longer shared.";
    ensure!(said(admin, &channel, ended).await? == 1);
    ensure!(said(admin, &channel, "It is archived here").await? == 1);
    ensure!(said(&pair.acme.user, &channel, ended).await? == 1);
    let body = json!({"channel_id": channel, "message": "hello?"});
    let refused = admin.call(Method::POST, "/posts", Some(body)).await?;
    ensure!(refused.status == 400, "{}", refused.body);
    // At home it goes on.
    is_archived(&acme.admin, &channel, false).await?;
    post(&pair.acme.user, &channel, "", "two").await?;

    let again = ["invite", &*to, &*channel, "--history", "all"];
    connection(acme, &again, "").await?;
    is_archived(admin, &channel, false).await?;
    text_arrives(admin, &channel, "two").await?;

    // A connection can keep such channels open.
    let keep = ["edit", &*from, "--removed-channels", "keep"];
    connection(&pair.globex.side, &keep, "").await?;
    connection(acme, &["unshare", &channel], "").await?;
    wait_for("the second end", async || {
        Ok(said(admin, &channel, ended).await? == 2)
    })
    .await?;
    is_archived(admin, &channel, false).await?;
    post(admin, &channel, "", "still open").await?;
    Ok(())
}

#[tokio::test]
async fn a_channel_is_archived_and_restored_by_hand() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (side, user) = (&pair.acme.side, &pair.acme.user);
    let channel = side.channel("lab", &[user]).await?;
    let path = format!("/channels/{channel}");
    let refused = user.call(Method::DELETE, &path, None).await?;
    ensure!(refused.status == 403, "{}", refused.body);
    side.admin.call(Method::DELETE, &path, None).await?;
    is_archived(user, &channel, true).await?;
    let team = user.get("/users/me/teams").await?;
    let team = team[0]["id"].as_str().context("a team")?;
    let listed = user
        .get(&format!("/users/me/teams/{team}/channels"))
        .await?;
    let mut listed = listed.as_array().context("channels")?.iter();
    ensure!(
        !listed.any(|it| it["id"] == *channel),
        "archived channels are not listed"
    );
    let restore = format!("{path}/restore");
    let refused = user.call(Method::POST, &restore, None).await?;
    ensure!(refused.status == 403, "{}", refused.body);
    let restored = side.admin.post(&restore, json!({})).await?;
    ensure!(restored["delete_at"] == 0, "{restored}");
    post(user, &channel, "", "open again").await?;
    Ok(())
}
