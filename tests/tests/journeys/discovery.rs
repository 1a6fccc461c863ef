//! People of the other workspace are found before they share a channel.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::Client;
use causeway_tests::scene::{Side, wait_for};
use hyper::Method;
use serde_json::{Value, json};

use crate::pair::Pair;

async fn set(side: &Side, section: &str, settings: Value) -> Result<()> {
    let body = json!({ section: settings });
    side.admin.put("/config/patch", body).await.map(|_| ())
}

/// The users whom a search finds, as the dialog for direct messages searches.
async fn search(client: &Client, term: &str) -> Result<Vec<Value>> {
    let body = json!({ "term": term, "limit": 100 });
    let answer = client.call(Method::POST, "/users/search", Some(body));
    let found = answer.await?.ok()?;
    Ok(found.as_array().context("a list")?.clone())
}

/// Waits until a search finds exactly this user name.
async fn finds(client: &Client, term: &str, username: &str) -> Result<Value> {
    let mut user = Value::Null;
    wait_for("the user to be found", async || {
        let found = search(client, term).await?;
        user = found.first().cloned().unwrap_or_default();
        Ok(found.len() == 1 && user["username"] == username)
    })
    .await?;
    Ok(user)
}

#[tokio::test]
async fn everybody_is_found_on_the_other_side_and_is_nowhere_a_member() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (acme, globex) = (&pair.acme.side, &pair.globex.side);
    for name in ["dora", "emil", "fred", "gina", "hans"] {
        acme.user(name).await?;
    }
    let few = json!({ "GlobalUserSyncBatchSize": 2 });
    set(acme, "ConnectedWorkspacesSettings", few).await?;
    ensure!(search(&pair.globex.user, "dora").await?.is_empty());
    // The sender needs the flag; for the receiver the setting is enough.
    let takes = json!({ "SyncUsersOnConnectionOpen": true });
    set(globex, "ConnectedWorkspacesSettings", takes).await?;
    let flag = json!({ "EnableSyncAllUsersForRemoteCluster": true });
    set(acme, "FeatureFlags", flag).await?;
    let mut dora = Value::Null;
    for name in ["dora", "emil", "fred", "gina", "hans"] {
        let username = format!("{name}:acme");
        let user = finds(&pair.globex.user, name, &username).await?;
        if name == "dora" {
            dora = user;
        }
    }
    let listed = pair
        .globex
        .user
        .get("/users/autocomplete?name=dora")
        .await?;
    ensure!(listed["users"][0]["id"] == dora["id"], "{listed}");
    ensure!(dora["remote_id"].is_string(), "{dora}");
    let id = dora["id"].as_str().context("no id")?;
    let teams = globex.admin.get(&format!("/users/{id}/teams")).await?;
    ensure!(teams == json!([]), "{teams}");
    for channel in [&globex.town_square, &pair.channel] {
        let path = format!("/channels/{channel}/members/{id}");
        let answer = globex.admin.call(Method::GET, &path, None).await?;
        ensure!(answer.status == 404, "a member of {channel}");
    }

    // Later changes and new people arrive as well; nobody comes back to where they live.
    let body = json!({ "nickname": "Thunder" });
    let path = format!("/users/{id}/patch");
    acme.admin.put(&path, body).await?;
    finds(&pair.globex.user, "thunder", "dora:acme").await?;
    acme.user("ines").await?;
    finds(&pair.globex.user, "ines", "ines:acme").await?;
    ensure!(search(&pair.acme.user, "dora").await?.len() == 1);
    // Globex offers nobody: it lacks the flag.
    globex.user("kurt").await?;
    acme.user("judy").await?;
    finds(&pair.globex.user, "judy", "judy:acme").await?;
    ensure!(search(&pair.acme.user, "kurt").await?.is_empty());
    let flag = json!({ "EnableSyncAllUsersForRemoteCluster": true });
    set(globex, "FeatureFlags", flag).await?;
    finds(&pair.acme.user, "kurt", "kurt:globex").await?;
    Ok(())
}

#[tokio::test]
async fn people_who_came_while_the_line_was_cut_are_found_afterwards() -> Result<()> {
    let pair = Pair::open(50).await?;
    for side in [&pair.acme.side, &pair.globex.side] {
        let flag = json!({ "EnableSyncAllUsersForRemoteCluster": true });
        set(side, "FeatureFlags", flag).await?;
    }
    finds(&pair.globex.user, "ann", "ann:acme").await?;
    pair.cut();
    pair.acme.side.user("dora").await?;
    pair.globex.side.user("kurt").await?;
    pair.mend();
    finds(&pair.globex.user, "dora", "dora:acme").await?;
    finds(&pair.acme.user, "kurt", "kurt:globex").await?;
    Ok(())
}
