//! Links to posts and channels that both workspaces have.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::{Client, HEARD_WITHIN};
use causeway_tests::scene::{arrives, post};
use serde_json::Value;

use crate::form::text;
use crate::pair::Pair;

async fn site_url(client: &Client) -> Result<String> {
    text(&client.get("/config/client?format=old").await?["SiteURL"])
}

#[tokio::test]
async fn a_link_to_a_shared_post_leads_readers_to_their_own_workspace() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (ann, carla, channel) = (&pair.acme.user, &pair.globex.user, &pair.channel);
    let (there, here) = (site_url(ann).await?, site_url(carla).await?);
    ensure!(there != here, "{there}");
    let secret = pair.acme.side.channel("secret", &[ann]).await?;
    let hidden = post(ann, &secret, "", "for us").await?;
    let shared = post(ann, channel, "", "for all").await?;
    arrives(carla, &shared).await?;

    let mut events = carla.events().await?;
    let written = format!("{there}/acme/pl/{shared}, but {there}/acme/pl/{hidden}");
    let with_links = post(ann, channel, "", &written).await?;
    let is_it = |event: &Value| {
        let post = event["data"]["post"].as_str();
        post.is_some_and(|post| post.contains(&with_links))
    };
    let heard = events.next("posted", is_it, HEARD_WITHIN).await?;
    let heard = heard["data"]["post"].as_str().context("a post")?;
    let heard: Value = serde_json::from_str(heard)?;
    let read = carla.get(&format!("/posts/{with_links}")).await?;
    let team = carla
        .get(&format!("/teams/{}", pair.globex.side.team_id))
        .await?;
    let expected = format!(
        "{here}/{}/pl/{shared}, but {there}/acme/pl/{hidden}",
        text(&team["name"])?
    );
    for seen in [&heard, &read] {
        ensure!(seen["message"] == *expected, "{seen}");
    }
    let own = ann.get(&format!("/posts/{with_links}")).await?;
    ensure!(own["message"] == *written, "{own}");
    Ok(())
}
