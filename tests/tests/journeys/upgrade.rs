//! The service of this build continues the data directories of earlier releases.

use anyhow::{Context, Result};
use causeway_tests::client::Client;
use causeway_tests::command::{component, policy, replay};
use causeway_tests::older_data::unpack;
use causeway_tests::process::{Workspace, free_port};
use causeway_tests::scene::{PASSWORD, post};
use serde_json::Value;

/// The posts of a channel.
async fn shown(reader: &Client, channel: &str) -> Result<Vec<Value>> {
    let list = reader
        .get(&format!("/channels/{channel}/posts?per_page=200"))
        .await?;
    let posts = list["posts"].as_object().context("no posts")?;
    Ok(posts.values().cloned().collect())
}

fn by_text<'p>(posts: &'p [Value], text: &str) -> Result<&'p Value> {
    posts
        .iter()
        .find(|post| post["message"] == text)
        .with_context(|| format!("“{text}” is lost"))
}

#[tokio::test]
async fn a_data_directory_of_the_first_release_opens_goes_on_and_replays() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("acme");
    unpack("0.1", &data)?;
    let acme = Workspace::start("acme", &data, free_port()?).await?;

    // Everything that was acknowledged before the kill is present; the last rows come from the journal alone.
    let ann = acme.client().login("ann", PASSWORD).await?;
    let team = ann.get("/teams/name/acme").await?;
    let team = team["id"].as_str().context("no id")?;
    let path = format!("/teams/{team}/channels/name/harbour");
    let channel = ann.get(&path).await?;
    let channel = channel["id"].as_str().context("no id")?;
    let posts = shown(&ann, channel).await?;
    by_text(&posts, "The last word before the storm.")?;
    let root = by_text(&posts, "Is anybody over there?")?;
    for number in 0..6 {
        let reply = by_text(&posts, &format!("Barrel {number} rolls aboard."))?;
        assert_eq!(reply["root_id"], root["id"]);
    }
    let edited = by_text(&posts, "Voyage 2: all hands on deck at six.")?;
    assert_eq!(edited["is_pinned"], true);
    assert_eq!(edited["metadata"]["reactions"][0]["emoji_name"], "anchor");
    assert!(by_text(&posts, "This one goes overboard.").is_err());

    // The policy that was loaded then has an older contract: its slot stays, and says what to do.
    let listed = policy(&acme.site_url(), &["list"]).await?;
    for said in [
        "causeway:policy@0.1.0",
        "causeway:policy@0.3.1",
        "rebuild it",
    ] {
        assert!(listed.contains(said), "{listed}");
    }

    // A policy of this build replaces it.
    let filter = component("policies/content-filter.wasm")?;
    let filter = filter.to_string_lossy();
    let settings = "[outbound]\nfalcon";
    let swap = ["swap", "content-filter", &filter, "--settings", settings];
    policy(&acme.site_url(), &swap).await?;

    // The workspace continues: people write, and every step from the first one on can be replayed.
    let text = "The storm is over.";
    post(&ann, channel, "", text).await?;
    let posts = shown(&ann, channel).await?;
    by_text(&posts, text)?;
    let data = acme.stop().await?;
    let said = replay(&data).await?;
    assert!(
        said.contains("every digest matches the recording"),
        "{said}"
    );
    Ok(())
}
