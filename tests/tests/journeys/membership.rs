//! Who is a member of a shared channel, on both sides.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use causeway_tests::client::Client;
use causeway_tests::scene::{self, Side, id_of, wait_for};
use serde_json::{Value, json};

use crate::pair::Pair;

const FLAG: &str = "EnableSharedChannelsMemberSync";

/// Switches sharing of memberships on at both sides, this many in a message.
async fn share_members(pair: &Pair, per_sync_max: u32) -> Result<()> {
    for side in [&pair.acme.side, &pair.globex.side] {
        let body = json!({
            "FeatureFlags": { FLAG: true },
            "ConnectedWorkspacesSettings": { "MemberSyncBatchSize": per_sync_max },
        });
        side.admin.put("/config/patch", body).await?;
    }
    Ok(())
}

/// The ids of a channel's members, as a workspace shows them.
pub async fn members(side: &Side, channel: &str) -> Result<BTreeSet<String>> {
    let path = format!("/channels/{channel}/members?per_page=200");
    let list = side.admin.get(&path).await?;
    let ids = list.as_array().context("a list")?.iter();
    Ok(ids
        .filter_map(|member| member["user_id"].as_str())
        .map(String::from)
        .collect())
}

/// Waits until both sides show the same members, and returns them.
async fn same_members(pair: &Pair, channel: &str) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    wait_for("the same members on both sides", async || {
        found = members(&pair.acme.side, channel).await?;
        Ok(found == members(&pair.globex.side, channel).await?)
    })
    .await?;
    Ok(found)
}

async fn remove(side: &Side, channel: &str, user: &str) -> Result<Value> {
    let path = format!("/channels/{channel}/members/{user}");
    side.admin.delete(&path).await
}

#[tokio::test]
async fn members_from_before_and_those_who_join_and_leave_are_the_same_on_both_sides() -> Result<()>
{
    let pair = Pair::open(50).await?;
    share_members(&pair, 2).await?;
    let (acme, globex) = (&pair.acme.side, &pair.globex.side);
    let mut crowd = Vec::new();
    for name in ["dora", "emil", "fred", "gina", "hans"] {
        crowd.push(acme.user(name).await?);
    }
    let everybody: Vec<&Client> = crowd.iter().collect();
    let quay = acme.channel("quay", &everybody).await?;
    let connection = acme.connection("globex").await?.context("no connection")?;
    let remote_id = connection["remote_id"].as_str().context("no id")?;
    scene::share(acme, globex, &quay, remote_id).await?;
    let found = same_members(&pair, &quay).await?;
    // The five, acme's administrator, and globex's, who accepted the connection.
    ensure!(found.len() == 7, "{found:?}");

    // Nobody joins a channel that is not shared, or a team that it is not in.
    let dora = id_of(&crowd[0]).await?;
    let town = members(globex, &globex.town_square).await?;
    ensure!(!town.contains(&dora));

    remove(acme, &quay, &dora).await?;
    globex.join(&quay, &[&pair.globex.user]).await?;
    let found = same_members(&pair, &quay).await?;
    ensure!(!found.contains(&dora) && found.contains(&id_of(&pair.globex.user).await?));
    acme.join(&quay, &[&crowd[0]]).await?;
    ensure!(same_members(&pair, &quay).await?.contains(&dora));
    Ok(())
}

#[tokio::test]
async fn what_changed_on_both_sides_while_the_line_was_cut_comes_out_the_same() -> Result<()> {
    let pair = Pair::open(50).await?;
    share_members(&pair, 20).await?;
    let (acme, globex) = (&pair.acme.side, &pair.globex.side);
    let (ann, carla) = (
        id_of(&pair.acme.user).await?,
        id_of(&pair.globex.user).await?,
    );
    let dora = acme.user("dora").await?;
    let before = same_members(&pair, &pair.channel).await?;
    ensure!(before.contains(&ann) && before.contains(&carla));
    pair.cut();
    remove(acme, &pair.channel, &ann).await?;
    acme.join(&pair.channel, &[&pair.acme.user, &dora]).await?;
    remove(acme, &pair.channel, &ann).await?;
    remove(globex, &pair.channel, &carla).await?;
    globex.join(&pair.channel, &[&pair.globex.user]).await?;
    pair.mend();
    // Comes after everything else.
    let last = scene::post(&dora, &pair.channel, "", "all aboard").await?;
    wait_for("the last post", async || {
        let path = format!("/posts/{last}");
        Ok(pair.globex.user.get(&path).await.is_ok())
    })
    .await?;
    let after = same_members(&pair, &pair.channel).await?;
    ensure!(!after.contains(&ann) && after.contains(&carla));
    ensure!(after.contains(&id_of(&dora).await?));
    Ok(())
}

#[tokio::test]
async fn without_the_flag_nobody_leaves_on_the_other_side() -> Result<()> {
    let pair = Pair::open(50).await?;
    let ann = id_of(&pair.acme.user).await?;
    scene::post(&pair.acme.user, &pair.channel, "", "here I am").await?;
    pair.converged().await?;
    ensure!(
        members(&pair.globex.side, &pair.channel)
            .await?
            .contains(&ann)
    );
    remove(&pair.acme.side, &pair.channel, &ann).await?;
    let admin = &pair.acme.side.admin;
    let last = scene::post(admin, &pair.channel, "", "she has left").await?;
    wait_for("the last post", async || {
        let path = format!("/posts/{last}");
        Ok(pair.globex.user.get(&path).await.is_ok())
    })
    .await?;
    ensure!(
        members(&pair.globex.side, &pair.channel)
            .await?
            .contains(&ann)
    );

    // Once memberships are shared, this one is, too.
    share_members(&pair, 20).await?;
    wait_for("her to leave", async || {
        Ok(!members(&pair.globex.side, &pair.channel)
            .await?
            .contains(&ann))
    })
    .await
}
