//! Who is online: shown to those who share a channel, on both sides.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::{Client, Events, HEARD_WITHIN};
use causeway_tests::scene::{id_of, post, wait_for};
use hyper::Method;
use serde_json::{Value, json};

use crate::pair::Pair;

/// Waits until a client is told that a user has this status.
async fn hears(events: &mut Events, user: &str, word: &str) -> Result<()> {
    let is_it = |event: &Value| event["data"]["user_id"] == user && event["data"]["status"] == word;
    events
        .next("status_change", is_it, HEARD_WITHIN)
        .await
        .with_context(|| format!("waiting for {word}"))?;
    Ok(())
}

async fn shows(client: &Client, user: &str, word: &str) -> Result<Value> {
    let path = format!("/users/{user}/status");
    wait_for(
        word,
        async || Ok(client.get(&path).await?["status"] == word),
    )
    .await?;
    client.get(&path).await
}

async fn choose(user: &Client, id: &str, word: &str, dnd_end_time: i64) -> Result<Value> {
    let body = json!({ "user_id": id, "status": word, "dnd_end_time": dnd_end_time });
    user.put("/users/me/status", body).await
}

#[tokio::test]
async fn a_member_who_comes_rests_and_goes_is_shown_so_on_both_sides() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let ann_id = id_of(ann).await?;
    let mut at_globex = carla.events().await?;
    let mut at_acme = pair.acme.side.admin.events().await?;
    post(ann, &pair.channel, "", "I am here").await?;

    // Whoever writes is online, also without a socket.
    hears(&mut at_globex, &ann_id, "online").await?;
    let socket = ann.events().await?;
    let until = 4_000_000_000_i64;
    let chosen = choose(ann, &ann_id, "dnd", until).await?;
    ensure!(
        chosen["status"] == "dnd" && chosen["manual"] == true,
        "{chosen}"
    );
    hears(&mut at_globex, &ann_id, "dnd").await?;
    hears(&mut at_acme, &ann_id, "dnd").await?;
    let shown = shows(carla, &ann_id, "dnd").await?;
    ensure!(
        shown["manual"] == true && shown["dnd_end_time"] == until,
        "{shown}"
    );
    let own = carla.get("/users/me/status").await?;
    ensure!(own["status"] == "online", "{own}");
    let ids = json!([ann_id, own["user_id"]]);
    let listed = carla.post("/users/status/ids", ids).await?;
    ensure!(
        listed[0]["status"] == "dnd" && listed[1]["status"] == "online",
        "{listed}"
    );

    choose(ann, &ann_id, "online", 0).await?;
    hears(&mut at_globex, &ann_id, "online").await?;
    drop(socket);
    hears(&mut at_globex, &ann_id, "offline").await?;
    shows(&pair.acme.side.admin, &ann_id, "offline").await?;
    Ok(())
}

#[tokio::test]
async fn after_an_outage_the_current_status_is_shown() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let (ann_id, carla_id) = (id_of(ann).await?, id_of(carla).await?);
    let mut at_globex = carla.events().await?;
    let mut at_acme = ann.events().await?;
    post(ann, &pair.channel, "", "before the outage").await?;
    hears(&mut at_globex, &ann_id, "online").await?;
    pair.cut();
    for word in ["dnd", "away"] {
        choose(ann, &ann_id, word, 0).await?;
        hears(&mut at_acme, &ann_id, word).await?;
    }
    pair.mend();
    hears(&mut at_globex, &ann_id, "away").await?;
    // The status of somebody who is not known there yet comes with the first post.
    choose(carla, &carla_id, "dnd", 0).await?;
    post(carla, &pair.channel, "", "my first one").await?;
    hears(&mut at_acme, &carla_id, "dnd").await?;
    Ok(())
}

#[tokio::test]
async fn statuses_are_switched_off_and_on_again_without_loss() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let ann_id = id_of(ann).await?;
    let switch = async |off: bool| {
        let body = json!({
            "ConnectedWorkspacesSettings": { "DisableSharedChannelsStatusSync": off },
        });
        pair.acme.side.admin.put("/config/patch", body).await
    };
    switch(true).await?;
    let mut at_acme = ann.events().await?;
    let first = post(ann, &pair.channel, "", "nobody sees whether I am here").await?;
    choose(ann, &ann_id, "away", 0).await?;
    hears(&mut at_acme, &ann_id, "away").await?;
    wait_for("the post", async || {
        Ok(carla.get(&format!("/posts/{first}")).await.is_ok())
    })
    .await?;
    let unknown = carla.get(&format!("/users/{ann_id}/status")).await?;
    ensure!(unknown["status"] == "offline", "{unknown}");
    switch(false).await?;
    shows(carla, &ann_id, "away").await?;
    Ok(())
}

#[tokio::test]
async fn only_ones_own_status_is_chosen_and_only_a_known_one() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (ann, admin) = (&pair.acme.user, &pair.acme.side.admin);
    let (ann_id, admin_id) = (id_of(ann).await?, id_of(admin).await?);
    let put = async |by: &Client, path: &str, user: &str, word: &str| -> Result<u16> {
        let body = json!({ "user_id": user, "status": word });
        let path = format!("/users/{path}/status");
        Ok(by.call(Method::PUT, &path, Some(body)).await?.status)
    };
    for (path, user, word, status) in [
        ("me", &*admin_id, "away", 400),
        ("me", "", "away", 400),
        ("me", &*ann_id, "sleeping", 400),
        ("me", &*ann_id, "ooo", 400),
        (&*admin_id, &*admin_id, "away", 403),
        ("me", &*ann_id, "away", 200),
    ] {
        let got = put(ann, path, user, word).await?;
        ensure!(got == status, "{path} {user} {word}: {got}");
    }
    ensure!(put(admin, &ann_id, &ann_id, "dnd").await? == 200);
    let shown = ann.get("/users/me/status").await?;
    ensure!(shown["status"] == "dnd", "{shown}");
    for ids in [json!([]), json!(["short"])] {
        let answer = ann
            .call(Method::POST, "/users/status/ids", Some(ids))
            .await?;
        ensure!(answer.status == 400, "{}", answer.body);
    }
    let nobody = "b".repeat(26);
    let unknown = ann.get(&format!("/users/{nobody}/status")).await?;
    ensure!(
        unknown["status"] == "offline" && unknown["user_id"] == *nobody,
        "{unknown}"
    );
    Ok(())
}
