//! Direct and group messages, within a workspace and between two.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::{Client, HEARD_WITHIN};
use causeway_tests::process::free_port;
use causeway_tests::scene::{Side, converged, id_of, post, visible, wait_for};
use causeway_tests::warm;
use hyper::Method;
use serde_json::{Value, json};

use crate::pair::Pair;

const RESTRICTED: &str = "api.channel.create_channel.direct_channel.remote_restricted.app_error";

fn text(value: &Value, key: &str) -> Result<String> {
    let found = value[key].as_str();
    Ok(found
        .with_context(|| format!("no {key} in {value}"))?
        .to_string())
}

/// Opens the direct channel with a user; its JSON.
async fn open(user: &Client, with: &str) -> Result<Value> {
    user.post("/channels/direct", json!([id_of(user).await?, with]))
        .await
}

/// Allows direct messages with other workspaces, or not.
async fn allow(side: &Side, allowed: bool) -> Result<()> {
    let flags = json!({ "FeatureFlags": { "EnableSharedChannelsDMs": allowed } });
    side.admin.put("/config/patch", flags).await?;
    Ok(())
}

/// Two workspaces whose users know each other from a shared channel.
async fn acquainted(allowed: [bool; 2]) -> Result<Pair> {
    let pair = Pair::open(50).await?;
    post(&pair.acme.user, &pair.channel, "", "hello").await?;
    post(&pair.globex.user, &pair.channel, "", "hello back").await?;
    wait_for("both to know each other", async || {
        Ok(pair.converged().await?.len() == 2)
    })
    .await?;
    for (side, allowed) in [&pair.acme.side, &pair.globex.side]
        .into_iter()
        .zip(allowed)
    {
        allow(side, allowed).await?;
    }
    Ok(pair)
}

#[tokio::test]
async fn messages_between_two_are_seen_by_these_two() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let workspace = warm::start_with("acme", folder.path(), free_port()?, &[]).await?;
    let side = Side::prepare("acme", &workspace.site_url(), "crew").await?;
    let (ann, bob, eve) = (
        side.user("ann").await?,
        side.user("bob").await?,
        side.user("eve").await?,
    );
    let (ann_id, bob_id, eve_id) = (id_of(&ann).await?, id_of(&bob).await?, id_of(&eve).await?);
    let mut events = bob.events().await?;
    let direct = open(&ann, &bob_id).await?;
    let direct_id = text(&direct, "id")?;
    let mut both = [ann_id.clone(), bob_id.clone()];
    both.sort();
    assert_eq!(direct["name"], both.join("__"));
    assert_eq!(
        (&direct["type"], &direct["team_id"]),
        (&json!("D"), &json!(""))
    );
    let event = events.next("direct_added", |_| true, HEARD_WITHIN).await?;
    assert_eq!(event["data"]["teammate_id"], json!(bob_id));
    assert_eq!(event["broadcast"]["channel_id"], json!(direct_id));
    post(&ann, &direct_id, "", "between us").await?;
    let event = events.next("posted", |_| true, HEARD_WITHIN).await?;
    assert_eq!(event["data"]["channel_display_name"], "@ann");
    ensure!(event["data"]["mentions"].is_string(), "bob is addressed");
    assert_eq!(open(&bob, &ann_id).await?["id"], direct["id"]);

    let group = json!([bob_id, eve_id]);
    let group = ann.post("/channels/group", group).await?;
    assert_eq!(
        (&group["type"], &group["display_name"]),
        (&json!("G"), &json!("ann, bob, eve"))
    );
    let event = events.next("group_added", |_| true, HEARD_WITHIN).await?;
    let teammates: Vec<String> = serde_json::from_str(&text(&event["data"], "teammate_ids")?)?;
    assert_eq!(teammates.len(), 3);
    let people = json!([group["id"], direct_id]);
    let people = eve.post("/users/group_channels", people).await?;
    let people = people.as_object().context("a map")?;
    let listed = people.values().next().and_then(Value::as_array);
    assert_eq!((people.len(), listed.map(Vec::len)), (1, Some(3)));
    let few = ann
        .call(Method::POST, "/channels/group", Some(json!([bob_id])))
        .await?;
    assert_eq!(
        few.error_id(),
        "api.channel.create_group.bad_size.app_error"
    );
    let others = json!([bob_id, eve_id]);
    let others = ann
        .call(Method::POST, "/channels/direct", Some(others))
        .await?;
    assert_eq!(others.status, 403);

    // Both lists of channels hold them; nobody else finds the direct one, not even an administrator.
    let team = &side.team_id;
    let own = bob.get(&format!("/users/me/teams/{team}/channels")).await?;
    let kinds = own.as_array().context("a list")?.iter();
    let kinds: Vec<&Value> = kinds.map(|channel| &channel["type"]).collect();
    ensure!(kinds.contains(&&json!("D")) && kinds.contains(&&json!("G")));
    let by_name = format!("/teams/{team}/channels/name/{}", both.join("__"));
    assert_eq!(bob.get(&by_name).await?["id"], direct["id"]);
    let all = side.admin.get("/channels?per_page=200").await?;
    let all = all.as_array().context("a list")?;
    ensure!(all.iter().all(|channel| channel["type"] == "O"), "{all:?}");
    for stranger in [&eve, &side.admin] {
        for path in [&by_name, &format!("/channels/{direct_id}")] {
            let hidden = stranger.call(Method::GET, path, None).await?;
            assert_eq!(hidden.status, 404, "{path}");
        }
        ensure!(visible(stranger, &direct_id).await.is_err());
        ensure!(post(stranger, &direct_id, "", "me too").await.is_err());
    }
    Ok(())
}

#[tokio::test]
async fn a_direct_message_reaches_the_other_workspace_and_is_answered() -> Result<()> {
    let pair = acquainted([true, true]).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let (ann_id, carla_id) = (id_of(ann).await?, id_of(carla).await?);
    let can_dm = format!("/sharedchannels/users/{ann_id}/can_dm/{carla_id}");
    assert_eq!(ann.get(&can_dm).await?["can_dm"], true);
    let mut events = carla.events().await?;
    let direct = open(ann, &carla_id).await?;
    let direct_id = text(&direct, "id")?;
    assert_eq!(direct["shared"], true);
    post(ann, &direct_id, "", "just the two of us").await?;
    let event = events.next("direct_added", |_| true, HEARD_WITHIN).await?;
    assert_eq!(event["broadcast"]["channel_id"], direct["id"]);
    assert_eq!(event["data"]["creator_id"], json!(ann_id));
    let is_it = |event: &Value| event["data"]["channel_type"] == "D";
    let event = events.next("posted", is_it, HEARD_WITHIN).await?;
    assert_eq!(event["data"]["channel_display_name"], "@ann:acme");
    assert_eq!(open(carla, &ann_id).await?["id"], direct["id"]);
    post(carla, &direct_id, "", "so it is").await?;
    wait_for("both messages on both sides", async || {
        Ok(converged(ann, carla, &direct_id).await?.len() == 2)
    })
    .await?;
    for admin in [&pair.acme.side.admin, &pair.globex.side.admin] {
        let path = format!("/channels/{direct_id}");
        assert_eq!(admin.call(Method::GET, &path, None).await?.status, 404);
    }
    Ok(())
}

/// Each side opens the channel and writes while the link is cut.
#[tokio::test]
async fn opened_on_both_sides_during_an_outage_it_is_one_channel() -> Result<()> {
    let pair = acquainted([true, true]).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let (ann_id, carla_id) = (id_of(ann).await?, id_of(carla).await?);
    pair.cut();
    let ours = text(&open(ann, &carla_id).await?, "id")?;
    post(ann, &ours, "", "from acme").await?;
    let theirs = text(&open(carla, &ann_id).await?, "id")?;
    post(carla, &theirs, "", "from globex").await?;
    assert_eq!(ours, theirs);
    assert_eq!(visible(ann, &ours).await?.len(), 1);
    pair.mend();
    wait_for("both messages on both sides", async || {
        Ok(converged(ann, carla, &ours).await?.len() == 2)
    })
    .await
}

#[tokio::test]
async fn a_group_message_reaches_everybody_in_it() -> Result<()> {
    let pair = acquainted([true, true]).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let bob = pair.acme.side.user("bob").await?;
    let with = json!([id_of(carla).await?, id_of(&bob).await?]);
    let group = ann.post("/channels/group", with).await?;
    let group_id = text(&group, "id")?;
    post(ann, &group_id, "", "all three").await?;
    wait_for("carla to see the group", async || {
        Ok(visible(carla, &group_id)
            .await
            .is_ok_and(|posts| posts.len() == 1))
    })
    .await?;
    post(carla, &group_id, "", "I am in").await?;
    post(&bob, &group_id, "", "so am I").await?;
    wait_for("all messages on both sides", async || {
        Ok(converged(&bob, carla, &group_id).await?.len() == 3)
    })
    .await?;
    let members = carla.get(&format!("/channels/{group_id}/members")).await?;
    assert_eq!(members.as_array().context("a list")?.len(), 3);
    Ok(())
}

#[tokio::test]
async fn what_is_switched_off_is_refused_with_its_reason_on_either_side() -> Result<()> {
    let pair = acquainted([false, false]).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let (ann_id, carla_id) = (id_of(ann).await?, id_of(carla).await?);
    let body = json!([ann_id, carla_id]);
    let refused = ann
        .call(Method::POST, "/channels/direct", Some(body))
        .await?;
    assert_eq!((refused.status, refused.error_id()), (403, RESTRICTED));
    let can_dm = format!("/sharedchannels/users/{ann_id}/can_dm/{carla_id}");
    assert_eq!(ann.get(&can_dm).await?["can_dm"], false);

    // Off there: whoever wrote is told, and what was written arrives once it is on.
    allow(&pair.acme.side, true).await?;
    let mut events = ann.events().await?;
    let direct_id = text(&open(ann, &carla_id).await?, "id")?;
    let is_told = |event: &Value| {
        let post = event["data"]["post"].as_str().unwrap_or_default();
        post.contains("does not reach `globex`")
    };
    events
        .next("ephemeral_message", is_told, HEARD_WITHIN)
        .await?;
    post(ann, &direct_id, "", "anybody there?").await?;
    events
        .next("ephemeral_message", is_told, HEARD_WITHIN)
        .await?;
    let there = format!("/channels/{direct_id}");
    assert_eq!(carla.call(Method::GET, &there, None).await?.status, 404);
    allow(&pair.globex.side, true).await?;
    post(ann, &direct_id, "", "and now?").await?;
    wait_for("both messages", async || {
        Ok(visible(carla, &direct_id)
            .await
            .is_ok_and(|posts| posts.len() == 2))
    })
    .await?;

    // Off again here: the channel stays, and nothing new is written in it.
    allow(&pair.acme.side, false).await?;
    let body = json!({ "channel_id": direct_id, "message": "too late" });
    let refused = ann.call(Method::POST, "/posts", Some(body)).await?;
    let expected = "app.post.create_post.shared_dm_or_gm.app_error";
    assert_eq!((refused.status, refused.error_id()), (400, expected));
    Ok(())
}
