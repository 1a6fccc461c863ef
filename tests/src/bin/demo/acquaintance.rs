//! People who know each other from the shared channel: a picture, and a message between two.

use anyhow::{Context, Result};
use causeway_tests::client::Client;
use causeway_tests::form::Form;
use causeway_tests::scene::{id_of, post, wait_for};
use hyper::Method;
use serde_json::{Value, json};

use crate::say;
use crate::town::Town;

/// Ann sets a picture, which is then the same on both sides.
pub async fn profile_picture(town: &Town) -> Result<()> {
    let (ann, ben) = (&town.acme.local, &town.acme.ben);
    let (ann_id, ben_id) = (id_of(ann).await?, id_of(ben).await?);
    // Any picture will do: this one is of a large B.
    let letter = read(ann, &format!("/users/{ben_id}/image/default")).await?;
    let form = Form::default().part("name=\"image\"; filename=\"ann.png\"", &letter);
    let path = format!("/users/{ann_id}/image");
    form.send(ann, &path).await?.ok()?;
    let own = read(ann, &path).await?;
    wait_for("the picture of ann at globex", async || {
        Ok(read(&town.globex.local, &path).await? == own)
    })
    .await?;
    say("ann sets a picture of herself, and carla sees it");
    Ok(())
}

/// Ann writes to Carla alone, once both administrators allow it.
pub async fn direct_message(town: &Town) -> Result<()> {
    for quarter in [&town.acme, &town.globex] {
        let allowed = json!({ "FeatureFlags": { "EnableSharedChannelsDMs": true } });
        quarter.side.admin.put("/config/patch", allowed).await?;
    }
    say("both administrators: EnableSharedChannelsDMs = true");
    let (ann, carla) = (&town.acme.local, &town.globex.local);
    let two = json!([id_of(ann).await?, id_of(carla).await?]);
    let channel = text(&ann.post("/channels/direct", two).await?["id"])?;
    let note = post(ann, &channel, "", "Between you and me: the salt is wet.").await?;
    wait_for("the direct message", async || {
        Ok(carla.get(&format!("/posts/{note}")).await.is_ok())
    })
    .await?;
    say("ann writes to carla alone, and carla reads it");
    Ok(())
}

fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().context("an id")?.to_string())
}

async fn read(user: &Client, path: &str) -> Result<Vec<u8>> {
    let answer = user.call_bytes(Method::GET, path, Vec::new(), &[]).await?;
    Ok(answer.bytes.to_vec())
}
