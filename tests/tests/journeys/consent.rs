//! An administrator wants to be asked before a channel of another workspace is taken.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::Client;
use causeway_tests::command::connection;
use causeway_tests::scene::{post, text_arrives, wait_for};

use serde_json::{Value, json};

use crate::pair::Pair;

/// What waits at globex, by channel.
async fn state(admin: &Client, offers: &str, channel: &str) -> Result<Option<Value>> {
    let list = admin.get(offers).await?;
    let mut list = list.as_array().context("a list")?.iter();
    Ok(list.find(|it| it["channel_id"] == channel).cloned())
}

/// Waits until a channel is offered at globex.
async fn offered(admin: &Client, offers: &str, channel: &str) -> Result<Value> {
    let mut found = None;
    wait_for("the offer", async || {
        found = state(admin, offers, channel).await?;
        Ok(found.is_some())
    })
    .await?;
    found.context("the offer")
}

#[tokio::test]
async fn a_channel_waits_until_an_administrator_accepts_it() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (acme, globex) = (&pair.acme.side, &pair.globex.side);
    let admin = &globex.admin;
    let (to, from) = (
        acme.remote_id("globex").await?,
        globex.remote_id("acme").await?,
    );
    let offers = format!("/remotecluster/{from}/channel_invitations");
    let said = connection(globex, &["edit", &from, "--channel-invitations", "ask"], "").await?;
    ensure!(said.contains("changed"), "{said}");
    let row = admin.get(&format!("/remotecluster/{from}")).await?;
    ensure!(row["channel_invitations"] == "ask", "{row}");

    // Offered, it waits; what is written meanwhile follows.
    let plans = acme.channel("plans", &[&pair.acme.user]).await?;
    connection(acme, &["invite", &to, &plans], "").await?;
    let offer = offered(admin, &offers, &plans).await?;
    ensure!(offer["state"] == "waiting", "{offer}");
    ensure!(offer["name"] == "plans" && offer["type"] == "O", "{offer}");
    ensure!(admin.get(&format!("/channels/{plans}")).await.is_err());
    let listed = connection(globex, &["channel-invitations", &from], "").await?;
    ensure!(
        listed.contains(&*plans) && listed.contains("waiting since"),
        "{listed}"
    );
    wait_for("the answer", async || {
        let listed = connection(acme, &["channels", &to], "").await?;
        Ok(listed.contains("plans  an administrator of the other workspace has to accept it"))
    })
    .await?;
    post(&pair.acme.user, &plans, "", "written meanwhile").await?;
    let said = connection(globex, &["accept-channel", &from, &plans], "").await?;
    ensure!(
        said.contains("accepted") && !said.contains("once more"),
        "{said}"
    );
    ensure!(state(admin, &offers, &plans).await?.is_none());
    text_arrives(admin, &plans, "written meanwhile").await?;

    // Declined by slash command, and accepted after all through the API.
    let town = globex.channel("desk", &[]).await?;
    let secret = acme.channel("secret", &[&pair.acme.user]).await?;
    connection(acme, &["invite", &to, &secret], "").await?;
    offered(admin, &offers, &secret).await?;
    let command = format!("/share-channel invitations --connectionID {from}");
    let said = admin.command(&town, &command).await?;
    ensure!(
        said.contains(&*secret) && said.contains("waiting"),
        "{said}"
    );
    let command = format!("/share-channel decline --connectionID {from} --channelID {secret}");
    let said = admin.command(&town, &command).await?;
    ensure!(said.contains("is declined"), "{said}");
    let offer = state(admin, &offers, &secret).await?.context("kept")?;
    ensure!(offer["state"] == "declined", "{offer}");
    let accept = format!("{offers}/{secret}/accept");
    admin.post(&accept, json!({})).await?;
    post(&pair.acme.user, &secret, "", "for both").await?;
    text_arrives(admin, &secret, "for both").await?;
    let refused = admin.post(&accept, json!({})).await;
    ensure!(
        format!("{refused:?}").contains("causeway.channel_invitation.not_found"),
        "{refused:?}"
    );

    // Only administrators see and answer offers.
    let refused = pair.globex.user.get(&offers).await;
    ensure!(format!("{refused:?}").contains("403"), "{refused:?}");
    Ok(())
}
