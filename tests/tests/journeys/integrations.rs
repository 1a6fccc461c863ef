//! Programs that write in channels, that people call by slash commands, and whose buttons they press.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use causeway_tests::client::{Client, HEARD_WITHIN};
use causeway_tests::peer::{Answered, Asked, Peer, Told, send};
use causeway_tests::process::free_port;
use causeway_tests::scene::{self, Side, text_arrives, wait_for};
use causeway_tests::warm;
use hyper::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::pair::Pair;

pub const ALLOWED: &str = "[integrations]\nallow_private_targets = true\n";

fn answer_json(value: &Value) -> Told {
    Told::Answer(Answered {
        status: 200,
        headers: vec![("content-type".into(), "application/json".into())],
        body: value.to_string().into_bytes(),
    })
}

/// The value of a field of a form.
fn field(asked: &Asked, name: &str) -> String {
    let body = String::from_utf8_lossy(&asked.body).into_owned();
    let mut pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(known, _)| *known == name);
    found
        .map(|(_, value)| {
            value
                .replace("%2F", "/")
                .replace("%3A", ":")
                .replace('+', " ")
        })
        .unwrap_or_default()
}

/// An integration that answers as told last.
pub struct Integration {
    pub server: Peer,
    told: Arc<Mutex<Value>>,
}

impl Integration {
    pub async fn start() -> Result<Integration> {
        let told = Arc::new(Mutex::new(json!({})));
        let answer = Arc::clone(&told);
        let server = Peer::start(move |_| {
            answer_json(&answer.lock().unwrap_or_else(PoisonError::into_inner))
        });
        Ok(Integration {
            server: server.await?,
            told,
        })
    }

    pub fn answers(&self, value: Value) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.server.asked(0)
    }
}

/// A workspace with a member `ann` of a channel `builds`.
struct Scene {
    side: Side,
    ann: Client,
    channel: String,
    team: String,
    _data: TempDir,
    _workspace: causeway_tests::process::Workspace,
}

impl Scene {
    async fn open(settings: &str) -> Result<Scene> {
        let data = tempfile::tempdir()?;
        let config = data.path().join("acme.toml");
        std::fs::write(&config, settings)?;
        let config = config.to_string_lossy().into_owned();
        let environment = [("CAUSEWAY_CONFIG", config.as_str())];
        let folder = data.path().join("acme");
        let workspace = warm::start_with("acme", &folder, free_port()?, &environment).await?;
        let side = Side::prepare("acme", &workspace.site_url(), "crew").await?;
        let ann = side.user("ann").await?;
        let channel = side.channel("builds", &[&ann]).await?;
        let team = side.admin.get(&format!("/channels/{channel}")).await?;
        Ok(Scene {
            team: text(&team, "team_id")?,
            side,
            ann,
            channel,
            _data: data,
            _workspace: workspace,
        })
    }

    async fn command(&self, trigger: &str, url: &str) -> Result<Value> {
        new_command(&self.side, &self.team, trigger, url).await
    }
}

pub fn text(value: &Value, key: &str) -> Result<String> {
    let found = value[key].as_str();
    Ok(found
        .with_context(|| format!("no {key} in {value}"))?
        .to_string())
}

pub async fn new_command(side: &Side, team: &str, trigger: &str, url: &str) -> Result<Value> {
    let new = json!({ "team_id": team, "trigger": trigger, "method": "P", "url": url,
        "auto_complete": true, "auto_complete_hint": "[target]" });
    side.admin.post("/commands", new).await
}

pub async fn new_hook(side: &Side, channel: &str) -> Result<Value> {
    let new = json!({ "channel_id": channel, "display_name": "builds" });
    side.admin.post("/hooks/incoming", new).await
}

/// Sends a payload to a webhook.
pub async fn tell(client: &Client, hook: &Value, payload: &Value) -> Result<Answered> {
    let url = format!("{}/hooks/{}", client.site_url(), text(hook, "id")?);
    send("POST", &url, &[], payload.to_string().into_bytes()).await
}

/// What completes a line that is typed in a channel.
pub async fn suggestions(
    client: &Client,
    team: &str,
    channel: &str,
    line: &str,
) -> Result<Vec<String>> {
    let line = line.replace(' ', "%20");
    let path = format!(
        "/teams/{team}/commands/autocomplete_suggestions?channel_id={channel}&user_input={line}"
    );
    let found = client.get(&path).await?;
    let found = found.as_array().context("a list")?.iter();
    found.map(|it| text(it, "Complete")).collect()
}

/// The newest post of a channel.
async fn latest(client: &Client, channel: &str) -> Result<Value> {
    let page = client
        .get(&format!("/channels/{channel}/posts?per_page=1"))
        .await?;
    let id = text(&json!({ "id": page["order"][0] }), "id")?;
    Ok(page["posts"][id].clone())
}

#[tokio::test]
async fn a_program_writes_through_an_incoming_webhook() -> Result<()> {
    let scene = Scene::open("").await?;
    let (admin, ann) = (&scene.side.admin, &scene.ann);
    // Members do not set up webhooks, and do not learn of them.
    let new = json!({ "channel_id": scene.channel });
    let refused = ann.call(Method::POST, "/hooks/incoming", Some(new)).await?;
    ensure!(refused.status == 403, "{refused:?}");
    let hook = new_hook(&scene.side, &scene.channel).await?;
    let path = format!("/hooks/incoming/{}", text(&hook, "id")?);
    ensure!(ann.call(Method::GET, &path, None).await?.status == 404);
    let list_of = format!("/hooks/incoming?team_id={}", scene.team);
    let list = admin.get(&list_of).await?;
    ensure!(list[0]["id"] == hook["id"], "{list}");

    let payload = json!({ "text": "done: <https://ci.example/1|build 1>", "username": "boss",
        "attachments": [{ "fallback": "f", "text": "all green" }] });
    let told = tell(admin, &hook, &payload).await?;
    ensure!(told.status == 200 && told.body == b"ok", "{told:?}");
    let post = latest(ann, &scene.channel).await?;
    ensure!(
        post["message"] == "done: [build 1](https://ci.example/1)",
        "{post}"
    );
    ensure!(post["props"]["from_webhook"] == "true", "{post}");
    ensure!(
        post["props"]["attachments"][0]["text"] == "all green",
        "{post}"
    );
    ensure!(post["props"].get("override_username").is_none(), "{post}");
    ensure!(post["user_id"] == hook["user_id"]);

    // A form, another channel by name, and what cannot be written.
    let form = b"payload=%7B%22text%22%3A%22by+form%22%2C%22channel%22%3A%22town-square%22%7D";
    let url = format!("{}/hooks/{}", admin.site_url(), text(&hook, "id")?);
    let kind = (
        "content-type".to_string(),
        "application/x-www-form-urlencoded".to_string(),
    );
    let sent = send("POST", &url, &[kind], form.to_vec()).await?;
    ensure!(sent.status == 200, "{sent:?}");
    for (payload, status) in [
        (json!({ "text": " " }), 400),
        (json!("text"), 400),
        (json!({ "text": "x", "channel": "nowhere" }), 404),
        (json!({ "text": "x", "priority": "urgent" }), 400),
        (json!({ "text": "x".repeat(20_000) }), 400),
    ] {
        let told = tell(admin, &hook, &payload).await?;
        ensure!(told.status == status, "{payload}: {told:?}");
    }
    let unknown = json!({ "id": "y".repeat(26) });
    ensure!(tell(admin, &unknown, &payload).await?.status == 400);

    // Its address opens no private channel but its own, and tells of none.
    let private =
        json!({ "team_id": scene.team, "name": "vault", "display_name": "Vault", "type": "P" });
    admin.post("/channels", private).await?;
    let inside = json!({ "text": "x", "channel": "vault" });
    ensure!(tell(admin, &hook, &inside).await?.status == 404);

    // Another administrator of the team does not learn it.
    let own = scene::id_of(ann).await?;
    let promoted = format!("/teams/{}/members/{own}/roles", scene.team);
    admin
        .put(&promoted, json!({ "roles": "team_user team_admin" }))
        .await?;
    ensure!(ann.call(Method::GET, &path, None).await?.status == 404);
    ensure!(ann.get(&list_of).await? == json!([]));
    let theirs = json!({ "channel_id": scene.channel, "display_name": "theirs" });
    ann.post("/hooks/incoming", theirs).await?;
    ensure!(
        ann.get(&list_of)
            .await?
            .as_array()
            .is_some_and(|hooks| hooks.len() == 1)
    );

    // It can be bound to its channel, and removed.
    let mut changed = hook.clone();
    changed["channel_locked"] = true.into();
    admin.put(&path, changed).await?;
    let elsewhere = json!({ "text": "x", "channel": "town-square" });
    ensure!(tell(admin, &hook, &elsewhere).await?.status == 403);
    admin.delete(&path).await?;
    ensure!(tell(admin, &hook, &payload).await?.status == 400);
    Ok(())
}

#[tokio::test]
async fn a_custom_command_calls_its_integration() -> Result<()> {
    let scene = Scene::open(ALLOWED).await?;
    let ann = &scene.ann;
    let integration = Integration::start().await?;
    let url = format!("{}/deploy", integration.server.url());
    let command = scene.command("deploy", &url).await?;
    let offered = ann
        .get(&format!("/teams/{}/commands/autocomplete", scene.team))
        .await?;
    let offered = offered.as_array().context("a list")?;
    let ours = offered
        .iter()
        .find(|it| it["trigger"] == "deploy")
        .context("the command")?;
    ensure!(ours["auto_complete_hint"] == "[target]", "{ours}");
    ensure!(
        ours["token"] == "" && ours["url"] == "",
        "members learn no secret: {ours}"
    );
    let suggested = suggestions(ann, &scene.team, &scene.channel, "/de").await?;
    ensure!(suggested == ["deploy"], "{suggested:?}");
    let again = new_command(&scene.side, &scene.team, "deploy", &url).await;
    ensure!(again.is_err(), "the trigger is taken");
    ensure!(
        scene.command("share-channel", &url).await.is_err(),
        "it is built in"
    );

    // Only who called it sees the answer, or everybody.
    let mut events = ann.events().await?;
    integration.answers(json!({ "text": "starting", "goto_location": "https://ci.example" }));
    ensure!(
        ann.command(&scene.channel, "/deploy to  production")
            .await?
            == "starting"
    );
    let is_it = |event: &Value| event["data"]["post"].to_string().contains("starting");
    events
        .next("ephemeral_message", is_it, HEARD_WITHIN)
        .await?;
    let asked = integration.asked().pop().context("a request")?;
    ensure!(asked.header("authorization") == format!("Token {}", text(&command, "token")?));
    ensure!(field(&asked, "text") == "to  production", "{asked:?}");
    ensure!(field(&asked, "command") == "/deploy" && field(&asked, "user_name") == "ann");
    ensure!(field(&asked, "channel_name") == "builds" && field(&asked, "team_domain") == "crew");
    integration.answers(json!({ "response_type": "in_channel", "text": "deployed",
        "extra_responses": [{ "response_type": "in_channel", "text": "and checked" }] }));
    ann.command(&scene.channel, "/deploy").await?;
    text_arrives(&scene.side.admin, &scene.channel, "deployed").await?;
    text_arrives(&scene.side.admin, &scene.channel, "and checked").await?;

    // It answers later, up to five times.
    let later = field(&asked, "response_url");
    let said = json!({ "response_type": "in_channel", "text": "finished" }).to_string();
    let kind = [("content-type".to_string(), "application/json".to_string())];
    for status in [200, 200, 200, 200, 200, 404] {
        let sent = send("POST", &later, &kind, said.clone().into_bytes()).await?;
        ensure!(sent.status == status, "{sent:?}");
    }

    // What goes wrong is said.
    integration.server.down().await;
    let said = ann.command(&scene.channel, "/deploy").await?;
    ensure!(said.contains("`/deploy` did not work"), "{said}");
    let refused = json!({ "channel_id": scene.channel, "command": "/nothing" });
    let refused = ann
        .call(Method::POST, "/commands/execute", Some(refused))
        .await?;
    ensure!(refused.status == 404, "{refused:?}");
    scene
        .side
        .admin
        .delete(&format!("/commands/{}", text(&command, "id")?))
        .await?;
    let gone = json!({ "channel_id": scene.channel, "command": "/deploy" });
    ensure!(
        ann.call(Method::POST, "/commands/execute", Some(gone))
            .await?
            .status
            == 404
    );
    Ok(())
}

#[tokio::test]
async fn integrations_at_internal_addresses_are_called_only_if_allowed() -> Result<()> {
    let scene = Scene::open("").await?;
    let integration = Integration::start().await?;
    scene.command("deploy", &integration.server.url()).await?;
    let said = scene.ann.command(&scene.channel, "/deploy").await?;
    ensure!(
        said.contains("`allow_private_targets` in the section [integrations]"),
        "{said}"
    );
    ensure!(integration.asked().is_empty());
    Ok(())
}

/// Writes a post with a button that calls an address; its JSON as ann sees it.
pub async fn with_button(author: &Client, channel: &str, url: &str) -> Result<Value> {
    let actions = json!([{ "id": "approve", "name": "Approve", "type": "button",
        "integration": { "url": url, "context": { "secret": "s3cret" } } }]);
    let post = json!({ "channel_id": channel, "message": "ready?",
        "props": { "attachments": [{ "text": "release 7", "actions": actions }] } });
    author.post("/posts", post).await
}

pub fn actions(post: &Value) -> &Value {
    &post["props"]["attachments"][0]["actions"]
}

#[tokio::test]
async fn a_button_calls_its_integration_whose_address_nobody_sees() -> Result<()> {
    let scene = Scene::open(ALLOWED).await?;
    let (admin, ann) = (&scene.side.admin, &scene.ann);
    let integration = Integration::start().await?;
    let url = format!("{}/press", integration.server.url());
    let post = with_button(admin, &scene.channel, &url).await?;
    let id = text(&post, "id")?;
    let seen = ann.get(&format!("/posts/{id}")).await?;
    ensure!(
        !seen.to_string().contains("s3cret") && !seen.to_string().contains("/press"),
        "{seen}"
    );
    let press = format!("/posts/{id}/actions/approve");
    let mut events = ann.events().await?;
    integration.answers(json!({ "ephemeral_text": "thank you",
        "update": { "message": "approved", "props": { "attachments": [] } } }));
    let pressed = ann.post(&press, json!({ "selected_option": "7" })).await?;
    ensure!(pressed["status"] == "OK", "{pressed}");
    let is_it = |event: &Value| event["data"]["post"].to_string().contains("thank you");
    events
        .next("ephemeral_message", is_it, HEARD_WITHIN)
        .await?;
    let asked = integration.asked().pop().context("a request")?;
    let asked: Value = serde_json::from_slice(&asked.body)?;
    ensure!(
        asked["context"] == json!({ "secret": "s3cret", "selected_option": "7" }),
        "{asked}"
    );
    ensure!(asked["user_name"] == "ann" && asked["post_id"] == id && asked["type"] == "button");
    let seen = ann.get(&format!("/posts/{id}")).await?;
    ensure!(
        seen["message"] == "approved" && actions(&seen).is_null(),
        "{seen}"
    );
    ensure!(
        ann.call(Method::POST, &press, None).await?.status == 404,
        "the button is gone"
    );

    // A button that somebody copied into a message of their own calls nothing.
    let post = with_button(admin, &scene.channel, &url).await?;
    let copy = json!({ "channel_id": scene.channel, "message": "mine", "props": post["props"] });
    let copy = ann.post("/posts", copy).await?;
    let press = format!("/posts/{}/actions/approve", text(&copy, "id")?);
    ensure!(ann.call(Method::POST, &press, None).await?.status == 404);
    ensure!(integration.asked().len() == 1);

    // An author who changes the text keeps the button; an integration that fails is named.
    let id = text(&post, "id")?;
    let edit = json!({ "message": "ready now?", "props": post["props"] });
    admin.put(&format!("/posts/{id}/patch"), edit).await?;
    let press = format!("/posts/{id}/actions/approve");
    integration.answers(json!({}));
    ann.post(&press, json!({})).await?;
    integration.answers(json!("text"));
    let failed = ann.call(Method::POST, &press, None).await?;
    ensure!(failed.status == 502, "{failed:?}");

    // Who may not read a message does not press its buttons.
    let private =
        json!({ "team_id": scene.team, "name": "vault", "display_name": "Vault", "type": "P" });
    let private = admin.post("/channels", private).await?;
    let post = with_button(admin, &text(&private, "id")?, &url).await?;
    let press = format!("/posts/{}/actions/approve", text(&post, "id")?);
    ensure!(ann.call(Method::POST, &press, None).await?.status == 403);
    Ok(())
}

#[tokio::test]
async fn in_shared_channels_integrations_work_only_with_the_flag() -> Result<()> {
    let pair = Pair::open_with(50, ALLOWED).await?;
    let (here, there) = (&pair.globex.side, &pair.acme.user);
    let (carla, channel) = (&pair.globex.user, pair.channel.as_str());
    let integration = Integration::start().await?;
    let url = format!("{}/press", integration.server.url());
    let team = here.admin.get(&format!("/channels/{channel}")).await?;
    let team = text(&team, "team_id")?;
    let hook = new_hook(here, channel).await?;
    new_command(here, &team, "deploy", &url).await?;
    let post = with_button(carla, channel, &url).await?;
    let id = text(&post, "id")?;
    let press = format!("/posts/{id}/actions/approve");

    // Without the flag nothing of them is shown or works, on either side.
    let none = json!([]);
    ensure!(actions(&post) == &none, "{post}");
    scene::arrives(there, &id).await?;
    let seen = there.get(&format!("/posts/{id}")).await?;
    ensure!(
        seen["props"]["attachments"][0]["text"] == "release 7" && actions(&seen) == &none,
        "{seen}"
    );
    ensure!(tell(carla, &hook, &json!({ "text": "x" })).await?.status == 403);
    let said = carla.command(channel, "/deploy").await?;
    ensure!(said.contains("EnableSharedChannelsPlugins"), "{said}");
    let suggested = suggestions(carla, &team, channel, "/de").await?;
    ensure!(suggested.is_empty(), "{suggested:?}");
    let elsewhere = suggestions(carla, &team, &here.town_square, "/de").await?;
    ensure!(elsewhere == ["deploy"], "{elsewhere:?}");
    ensure!(carla.call(Method::POST, &press, None).await?.status == 403);

    // With it they work here, and are shown there without what they call.
    let flag = json!({ "FeatureFlags": { "EnableSharedChannelsPlugins": true } });
    here.admin.put("/config/patch", flag.clone()).await?;
    pair.acme.side.admin.put("/config/patch", flag).await?;
    let suggested = suggestions(carla, &team, channel, "/de").await?;
    ensure!(suggested == ["deploy"], "{suggested:?}");
    let said = tell(carla, &hook, &json!({ "text": "by a program" })).await?;
    ensure!(said.status == 200, "{said:?}");
    text_arrives(there, channel, "by a program").await?;
    integration.answers(json!({ "update": { "message": "approved" } }));
    let seen = there.get(&format!("/posts/{id}")).await?;
    let inert = json!([{ "disabled": true, "id": "approve", "name": "Approve", "type": "button" }]);
    ensure!(actions(&seen) == &inert, "{seen}");
    ensure!(there.call(Method::POST, &press, None).await?.status == 404);
    carla.post(&press, json!({})).await?;
    wait_for("the update", async || {
        let seen = latest_text(there, &id).await?;
        Ok(seen == "approved")
    })
    .await
}

#[tokio::test]
async fn a_command_line_is_completed_as_far_as_one_may_use_it() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (side, ann) = (&pair.acme.side, &pair.acme.user);
    let (admin, team) = (&side.admin, side.team_id.as_str());
    let of = async |client, line: &str| suggestions(client, team, &pair.channel, line).await;
    let all = ["secure-connection", "share-channel"];
    ensure!(of(admin, "/").await? == all && of(admin, "/s").await? == all);
    ensure!(
        of(admin, "/share-channel un").await?
            == ["share-channel uninvite", "share-channel unshare"]
    );
    let remote = side.remote_id("globex").await?;
    let line = "/share-channel invite --connectionID ";
    let complete = format!("{}{remote}", &line[1..]);
    ensure!(of(admin, line).await? == [complete.as_str()]);
    ensure!(of(admin, &format!("{line}{}", &remote[..3])).await? == [complete.as_str()]);
    ensure!(of(ann, "/s").await? == ["share-channel"]);
    ensure!(of(ann, "/share-channel ").await? == ["share-channel delivery"]);
    for (client, line) in [
        (ann, line),
        (admin, "s"),
        (admin, ""),
        (admin, "/nothing "),
        (admin, "/%C3%A9"),
    ] {
        let found = of(client, line).await?;
        ensure!(found.is_empty(), "{line}: {found:?}");
    }
    Ok(())
}

async fn latest_text(client: &Client, post: &str) -> Result<String> {
    text(&client.get(&format!("/posts/{post}")).await?, "message")
}
