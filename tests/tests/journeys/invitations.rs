//! Channels that another workspace offers: under a taken name, and after they were given up.

use anyhow::Result;
use causeway_tests::hosted::Hosted;
use causeway_tests::scene::{self, Side, wait_for};
use serde_json::Value;

async fn name_of(side: &Side, channel: &str) -> Result<Value> {
    let record = side.admin.get(&format!("/channels/{channel}")).await?;
    Ok(record["name"].clone())
}

/// The link of a connection's only channel, as administrators see it.
async fn link(side: &Side, remote_id: &str) -> Result<Value> {
    let path = format!("/remotecluster/{remote_id}/sharedchannelremotes");
    Ok(side.admin.get(&path).await?[0].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_of_a_taken_name_is_renamed_and_a_refused_invitation_stays_in_sight() -> Result<()>
{
    let acme = Hosted::start("acme", |_| {}).await?;
    let globex = Hosted::start("globex", |_| {}).await?;
    let (acme, globex) = (&acme.side, &globex.side);
    let remote_id = scene::connect(acme, globex).await?;
    let harbour = acme.channel("harbour", &[]).await?;
    globex.channel("harbour", &[]).await?;
    scene::share(acme, globex, &harbour, &remote_id).await?;
    assert_eq!(name_of(globex, &harbour).await?, "harbour-2");
    assert_eq!(name_of(acme, &harbour).await?, "harbour");

    let unshared = globex
        .admin
        .command(&harbour, "/share-channel unshare")
        .await?;
    assert_eq!(unshared, "This channel is no longer shared.");
    scene::post(&acme.admin, &harbour, "", "is anybody there?").await?;
    wait_for("acme to hear of it", async || {
        Ok(link(acme, &remote_id).await?.is_null())
    })
    .await?;

    let invite = format!("/share-channel invite --connectionID {remote_id}");
    acme.admin.command(&harbour, &invite).await?;
    wait_for("the invitation to be refused", async || {
        Ok(link(acme, &remote_id).await?["refusal"].is_string())
    })
    .await?;
    let refused = link(acme, &remote_id).await?;
    assert_eq!(refused["is_invite_accepted"], false);
    let reason = refused["refusal"].as_str().unwrap_or_default();
    assert!(reason.contains("has to allow it first"), "{reason}");
    let status = acme
        .admin
        .command(&harbour, "/share-channel status")
        .await?;
    assert!(status.contains(reason), "{status}");
    assert_eq!(
        globex.admin.get(&format!("/channels/{harbour}")).await?["shared"],
        false
    );

    let allowed = globex.admin.command(&harbour, &invite).await?;
    assert!(
        allowed.contains("may share this channel here again"),
        "{allowed}"
    );
    acme.admin.command(&harbour, &invite).await?;
    wait_for("the channel to be shared again", async || {
        let link = link(acme, &remote_id).await?;
        Ok(link["is_invite_confirmed"] == true && link["refusal"].is_null())
    })
    .await?;
    scene::post(&acme.admin, &harbour, "", "hello again").await?;
    wait_for("the post to arrive", async || {
        let shown = scene::visible(&globex.admin, &harbour).await?;
        Ok(shown.iter().any(|post| post.message == "hello again"))
    })
    .await
}

/// The command that a text suggests.
fn offered(text: &str) -> &str {
    let lines = text
        .lines()
        .find(|line| line.starts_with("/secure-connection attach"));
    lines.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_was_known_is_taken_up_when_it_is_connected_anew() -> Result<()> {
    let acme = Hosted::start("acme", |_| {}).await?;
    let globex = Hosted::start("globex", |_| {}).await?;
    let (ann, carla) = (acme.user("ann").await?, globex.user("carla").await?);
    let (acme, globex) = (&acme.side, &globex.side);
    let remote_id = scene::connect(acme, globex).await?;
    let harbour = acme.channel("harbour", &[&ann]).await?;
    scene::share(acme, globex, &harbour, &remote_id).await?;
    globex.join(&harbour, &[&carla]).await?;
    scene::post(&ann, &harbour, "", "from Ann").await?;
    scene::post(&carla, &harbour, "", "from Carla").await?;
    scene::converged(&ann, &carla, &harbour).await?;
    for side in [acme, globex] {
        let remove = format!("/secure-connection remove --connectionID {remote_id}");
        side.admin.command(&side.town_square, &remove).await?;
    }

    let code = scene::invitation(acme, "globex").await?;
    let accepted = scene::accept(globex, "acme", &code).await?;
    assert!(accepted.contains("was known here as `acme`"), "{accepted}");
    globex
        .admin
        .command(&globex.town_square, offered(&accepted))
        .await?;
    let record = acme.connection("globex").await?.unwrap_or_default();
    assert_eq!(record["previous_remote_id"], remote_id.as_str());
    let status = acme
        .admin
        .command(&acme.town_square, "/secure-connection status")
        .await?;
    acme.admin
        .command(&acme.town_square, offered(&status))
        .await?;
    let record = acme.connection("globex").await?.unwrap_or_default();
    assert!(record["previous_remote_id"].is_null(), "{record}");

    let again = record["remote_id"].as_str().unwrap_or_default();
    scene::share(acme, globex, &harbour, again).await?;
    scene::post(&ann, &harbour, "", "Ann again").await?;
    scene::post(&carla, &harbour, "", "Carla again").await?;
    let shown = scene::converged(&ann, &carla, &harbour).await?;
    assert_eq!(shown.len(), 4);
    Ok(())
}
