//! Integrations in shared channels, as the policy `plugin-gate` decides about them.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::Client;
use causeway_tests::command::replay;
use causeway_tests::scene::{arrives, text_arrives, wait_for};
use hyper::Method;
use serde_json::{Value, json};

use crate::gates::put;
use crate::integrations::{
    ALLOWED, Integration, actions, new_command, new_hook, suggestions, tell, text, with_button,
};
use crate::pair::{End, Pair};

async fn switch(pair: &Pair, is_on: bool) -> Result<()> {
    let flag = json!({ "FeatureFlags": { "EnableSharedChannelsPlugins": is_on } });
    for end in [&pair.acme, &pair.globex] {
        end.side.admin.put("/config/patch", flag.clone()).await?;
    }
    Ok(())
}

async fn shown(reader: &Client, post: &str) -> Result<Value> {
    let post = reader.get(&format!("/posts/{post}")).await?;
    Ok(actions(&post).clone())
}

fn press(post: &str) -> String {
    format!("/posts/{post}/actions/approve")
}

async fn team_of(end: &End, channel: &str) -> Result<String> {
    let row = end.side.admin.get(&format!("/channels/{channel}")).await?;
    text(&row, "team_id")
}

#[tokio::test]
async fn where_a_policy_denies_them_integrations_neither_work_nor_are_shown() -> Result<()> {
    let pair = Pair::open_with(50, ALLOWED).await?;
    let (end, ann) = (&pair.globex, &pair.acme.user);
    let (here, carla, channel) = (&end.side, &end.user, pair.channel.as_str());
    switch(&pair, true).await?;
    let integration = Integration::start().await?;
    let url = format!("{}/press", integration.server.url());
    let team = team_of(end, channel).await?;
    new_command(here, &team, "deploy", &url).await?;
    let hook = new_hook(here, channel).await?;
    let elsewhere = new_hook(here, &here.town_square).await?;
    let before = text(&with_button(carla, channel, &url).await?, "id")?;
    ensure!(shown(carla, &before).await?[0]["id"] == "approve");
    let denied = json!({ "connections": { "acme": "deny" } });
    put(end, "load", "plugin-gate", &denied).await?;

    // Nothing is called, and who tries is told what the policy says.
    let why = "which is shared with acme";
    let said = carla.command(channel, "/deploy").await?;
    ensure!(
        said.contains("did not work") && said.contains(why),
        "{said}"
    );
    let told = tell(carla, &hook, &json!({ "text": "x" })).await?;
    let words = String::from_utf8_lossy(&told.body).into_owned();
    ensure!(told.status == 403 && words.contains(why), "{words}");
    let pressed = carla.call(Method::POST, &press(&before), None).await?;
    ensure!(
        (pressed.status, pressed.error_id()) == (403, "causeway.policy.denied.app_error"),
        "{pressed:?}"
    );
    ensure!(integration.asked().is_empty());

    // Buttons are hidden here, also in what came before and what comes from the other side; that one decides for itself.
    let none = json!([]);
    let made = with_button(carla, channel, &url).await?;
    ensure!(actions(&made) == &none, "{made}");
    let made = text(&made, "id")?;
    arrives(ann, &made).await?;
    ensure!(shown(ann, &made).await?[0]["disabled"] == true);
    let theirs = text(&with_button(ann, channel, &url).await?, "id")?;
    ensure!(shown(ann, &theirs).await?[0]["id"] == "approve");
    arrives(carla, &theirs).await?;
    ensure!(shown(carla, &theirs).await? == none);
    wait_for("the older button to be hidden", async || {
        Ok(shown(carla, &before).await? == none)
    })
    .await?;

    // A channel that is not shared is not the policy's business, and a channel may be an exception.
    ensure!(
        tell(carla, &elsewhere, &json!({ "text": "x" }))
            .await?
            .status
            == 200
    );
    let excepted = json!({ "channels": { "harbour": { "acme": "allow" } } });
    put(end, "swap", "plugin-gate", &excepted).await?;
    integration.answers(json!({ "response_type": "in_channel", "text": "deployed" }));
    carla.command(channel, "/deploy").await?;
    text_arrives(ann, channel, "deployed").await?;
    ensure!(
        tell(carla, &hook, &json!({ "text": "built" }))
            .await?
            .status
            == 200
    );
    wait_for("the buttons to be shown", async || {
        Ok(shown(carla, &made).await?[0]["id"] == "approve")
    })
    .await?;
    integration.answers(json!({}));
    carla.post(&press(&made), json!({})).await?;
    replay(&end.workspace.data).await?;
    Ok(())
}

/// What a client notices of integrations in a shared channel: everything but the words of refusals, and the type of a
/// post of an integration, which a policy can hide and the flag does not.
async fn noticed(end: &End, other: &End, channel: &str, hook: &Value) -> Result<(Value, String)> {
    let url = "http://127.0.0.1:9/press";
    let team = team_of(end, channel).await?;
    let told = tell(&end.user, hook, &json!({ "text": "x" })).await?;
    let said = end.user.command(channel, "/deploy").await?;
    let elsewhere = suggestions(&end.user, &team, &end.side.town_square, "/de").await?;
    let own = with_button(&end.user, channel, url).await?;
    let id = text(&own, "id")?;
    let pressed = end.user.call(Method::POST, &press(&id), None).await?;
    let theirs = text(&with_button(&other.user, channel, url).await?, "id")?;
    arrives(&end.user, &theirs).await?;
    let poll = json!({ "channel_id": channel, "message": "a poll", "type": "custom_poll" });
    let poll = end.user.post("/posts", poll).await?;
    arrives(&other.user, &text(&poll, "id")?).await?;
    let answer = said.split_once(':').context("an answer")?.0;
    let noticed = json!({
        "webhook": told.status,
        "command": answer,
        "elsewhere": elsewhere,
        "own button": actions(&own),
        "own text": own["props"]["attachments"][0]["text"],
        "pressed": pressed.status,
        "their button": shown(&end.user, &theirs).await?,
        "message": poll["message"],
    });
    Ok((noticed, text(&poll, "type")?))
}

#[tokio::test]
async fn a_gate_that_denies_everything_is_what_the_flag_is_when_it_is_off() -> Result<()> {
    let pair = Pair::open_with(50, ALLOWED).await?;
    let channel = pair.channel.as_str();
    let ends = [(&pair.acme, &pair.globex), (&pair.globex, &pair.acme)];
    let mut off = Vec::new();
    let mut hooks = Vec::new();
    for (end, _) in ends {
        let team = team_of(end, channel).await?;
        new_command(&end.side, &team, "deploy", "http://127.0.0.1:9/").await?;
        hooks.push(new_hook(&end.side, channel).await?);
    }
    for ((end, other), hook) in ends.into_iter().zip(&hooks) {
        off.push(noticed(end, other, channel, hook).await?);
    }
    for (end, _) in ends {
        put(end, "load", "plugin-gate", &json!({})).await?;
    }
    switch(&pair, true).await?;
    for (((end, other), hook), off) in ends.into_iter().zip(&hooks).zip(&off) {
        let (denied, shown) = noticed(end, other, channel, hook).await?;
        let (off, kept) = off;
        ensure!(&denied == off, "the gate: {denied}\nthe flag: {off}");
        ensure!(off["webhook"] == 403 && off["pressed"] == 403, "{off}");
        ensure!(shown.is_empty() && kept == "custom_poll", "{shown} {kept}");
    }
    Ok(())
}
