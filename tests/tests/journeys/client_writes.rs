//! The official web client's requests that write, as captured, are answered in the captured form: each once, in an order
//! in which a person could make them. What only reads is compared in [`client_requests`](super::client_requests).

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use causeway_tests::client::Answer;
use causeway_tests::hosted::Hosted;
use hyper::Method;
use serde_json::{Value, json};

use super::client_requests::{captured, differences, id_of, is_of};

/// Requests, what differs in the answer, and why. An asterisk stands for any text.
const DEVIATIONS: &[(&str, &str, &str)] = &[
    (
        "*",
        "*.shared: boolean instead of null",
        "it is always said whether a channel is shared",
    ),
    (
        "*",
        "*.group_constrained: null instead of boolean",
        "there are no groups",
    ),
    (
        "*",
        "*.scheme_id: null instead of string",
        "there are no schemes",
    ),
    (
        "*",
        "*.remote_id: missing",
        "only people of other workspaces have one",
    ),
    (
        "*",
        "*.channel_invitations: not captured",
        "a setting of this service alone",
    ),
    (
        "*",
        "*.removed_channels: not captured",
        "a setting of this service alone",
    ),
    (
        "POST /posts",
        ".metadata.files: missing",
        "the post has no file here",
    ),
    (
        "*",
        ".last_password_update: missing",
        "it is not recorded when a password was set",
    ),
];

/// A workspace in which the writes are made, with the ids of what was made.
struct Stage {
    host: Hosted,
    ids: BTreeMap<String, String>,
    lines: Vec<Value>,
    made: BTreeSet<(String, String)>,
    found: BTreeSet<(String, String)>,
}

impl Stage {
    async fn new() -> Result<Stage> {
        let host = Hosted::start("ann", |_| {}).await?;
        let (bob, cid) = (host.user("bob").await?, host.user("cid").await?);
        let mut ids = BTreeMap::from([
            ("team_id".to_string(), host.side.team_id.clone()),
            ("channel_id".to_string(), host.side.town_square.clone()),
        ]);
        for (name, client) in [("user_id", &host.side.admin), ("bob", &bob), ("cid", &cid)] {
            ids.insert(name.to_string(), id_of(&client.get("/users/me").await?)?);
        }
        let lines = captured("requests.jsonl")?;
        let lines: serde_json::Result<Vec<Value>> =
            lines.lines().map(serde_json::from_str).collect();
        Ok(Stage {
            host,
            ids,
            lines: lines?,
            made: BTreeSet::new(),
            found: BTreeSet::new(),
        })
    }

    fn id(&self, name: &str) -> &str {
        self.ids.get(name).map_or("", String::as_str)
    }

    /// Makes a captured request, and compares the answer with the first captured one that succeeded.
    async fn make(&mut self, method: &str, path: &str, body: Value) -> Result<Answer> {
        let whole = format!("/api/v4{path}");
        let is_it = |line: &&Value| {
            line["method"] == method
                && line["path"] == whole
                && [200, 201].contains(&line["status"].as_u64().unwrap_or_default())
                && !line["response"].is_string()
        };
        let line = self.lines.iter().find(is_it);
        let line = line.with_context(|| format!("{method} {path} is not captured"))?;
        let mut filled = path.to_string();
        for (name, id) in &self.ids {
            filled = filled.replace(&format!("{{{name}}}"), id);
        }
        let body = Some(body).filter(|body| !body.is_null());
        let answer = self
            .host
            .side
            .admin
            .call(method.parse::<Method>()?, &filled, body)
            .await?;
        let request = format!("{method} {path}");
        let differs = differences(line, &answer).with_context(|| request.clone())?;
        self.found
            .extend(differs.into_iter().map(|what| (request.clone(), what)));
        self.made.insert((method.to_string(), whole));
        Ok(answer)
    }

    /// Keeps the id of what an answer shows under a name.
    fn keep(&mut self, name: &str, answer: &Answer) -> Result<()> {
        self.ids.insert(name.to_string(), id_of(&answer.body)?);
        Ok(())
    }
}

async fn of_channels(stage: &mut Stage) -> Result<()> {
    let team = json!({ "name": "second", "display_name": "Second", "type": "O" });
    stage.make("POST", "/teams", team).await?;
    let new = json!({
        "team_id": stage.id("team_id"), "name": "dock", "display_name": "Dock", "type": "O",
        "purpose": "", "header": "", "creator_id": "", "id": "", "create_at": 0, "update_at": 0,
        "delete_at": 0, "last_post_at": 0, "last_root_post_at": 0, "group_constrained": false,
        "scheme_id": "",
    });
    let made = stage.make("POST", "/channels", new).await?;
    stage.keep("channel_id", &made)?;
    let member = json!({ "user_id": stage.id("bob"), "channel_id": stage.id("channel_id"), "post_root_id": "" });
    let added = stage
        .make("POST", "/channels/{channel_id}/members", member)
        .await?;
    ensure!(added.status == 201);
    let pair = json!([stage.id("user_id"), stage.id("bob")]);
    stage.make("POST", "/channels/direct", pair).await?;
    let group = json!([stage.id("user_id"), stage.id("bob"), stage.id("cid")]);
    stage.make("POST", "/channels/group", group).await?;
    let purpose = json!({ "purpose": "Ships" });
    stage
        .make("PUT", "/channels/{channel_id}/patch", purpose)
        .await?;
    let muted = json!({
        "mark_unread": "mention", "channel_id": stage.id("channel_id"), "user_id": stage.id("user_id"),
    });
    let path = "/channels/{channel_id}/members/{user_id}/notify_props";
    stage.make("PUT", path, muted).await?;
    let path = "/users/{user_id}/teams/{team_id}/channels/categories";
    let team_path = path
        .replace("{user_id}", stage.id("user_id"))
        .replace("{team_id}", stage.id("team_id"));
    let categories = stage.host.side.admin.get(&team_path).await?;
    let categories = categories["categories"].clone();
    stage.make("PUT", path, categories).await?;
    Ok(())
}

async fn of_posts(stage: &mut Stage) -> Result<()> {
    let draft = json!({
        "channel_id": stage.id("channel_id"), "root_id": "", "message": "Ahoy", "file_ids": [],
        "user_id": stage.id("user_id"), "create_at": 1, "update_at": 1, "delete_at": 0,
    });
    stage.make("POST", "/drafts", draft).await?;
    let path = "/users/me/channels/{channel_id}/drafts";
    stage.make("DELETE", path, Value::Null).await?;
    let path = "/users/me/channels/{channel_id}/drafts/{channel_id}";
    stage.make("DELETE", path, Value::Null).await?;
    let new = json!({
        "channel_id": stage.id("channel_id"), "message": "Ahoy, crew", "root_id": "", "file_ids": [],
        "pending_post_id": "p:1", "user_id": stage.id("user_id"), "create_at": 0, "update_at": 1,
        "reply_count": 0, "metadata": {}, "props": {},
    });
    let made = stage.make("POST", "/posts", new).await?;
    stage.keep("post_id", &made)?;
    let mut edited = made.body.clone();
    for (key, value) in [
        ("message", json!("Ahoy, whole crew")),
        ("fileInfos", json!([])),
        ("uploadsInProgress", json!([])),
        ("createAt", json!(0)),
        ("channelId", json!(stage.id("channel_id"))),
    ] {
        edited[key] = value;
    }
    stage.make("PUT", "/posts/{post_id}/patch", edited).await?;
    stage
        .make("POST", "/posts/{post_id}/pin", Value::Null)
        .await?;
    let reaction = json!({
        "user_id": stage.id("user_id"), "post_id": stage.id("post_id"), "emoji_name": "tada",
    });
    stage.make("POST", "/reactions", reaction).await?;
    let path = "/users/{user_id}/posts/{post_id}/ack";
    stage.make("POST", path, Value::Null).await?;
    let collapsed = json!({ "collapsed_threads_supported": true });
    let path = "/users/{user_id}/posts/{post_id}/set_unread";
    stage.make("POST", path, collapsed).await?;
    let command = json!({
        "channel_id": stage.id("channel_id"), "command": "/share-channel status", "root_id": "",
        "team_id": stage.id("team_id"),
    });
    stage.make("POST", "/commands/execute", command).await?;
    stage
        .make("DELETE", "/posts/{post_id}", Value::Null)
        .await?;
    Ok(())
}

async fn of_oneself(stage: &mut Stage) -> Result<()> {
    let me = stage.host.side.admin.get("/users/me").await?;
    stage.make("PUT", "/users/me/patch", me).await?;
    let status = json!({ "user_id": stage.id("user_id"), "status": "dnd", "dnd_end_time": 0 });
    stage.make("PUT", "/users/{user_id}/status", status).await?;
    let custom = json!({ "emoji": "tea", "text": "Tea", "duration": "", "expires_at": "" });
    stage.make("PUT", "/users/me/status/custom", custom).await?;
    let preference = json!([{
        "user_id": stage.id("user_id"), "category": "tutorial_step", "name": "x", "value": "1",
    }]);
    stage
        .make("PUT", "/users/{user_id}/preferences", preference)
        .await?;
    let account = json!({
        "username": "dora", "email": "dora@crew.example", "password": "Sail-the-causeway-1",
    });
    stage.make("POST", "/users", account).await?;
    let login = json!({ "login_id": "dora", "password": "Sail-the-causeway-1", "deviceId": "" });
    stage.make("POST", "/users/login", login).await?;
    Ok(())
}

async fn of_connections(stage: &mut Stage) -> Result<()> {
    let new = json!({
        "name": "partner", "display_name": "Partner", "default_team_id": stage.id("team_id"),
    });
    let made = stage.make("POST", "/remotecluster", new).await?;
    let remote_id = made.body["remote_cluster"]["remote_id"].as_str();
    let remote_id = remote_id.context("no connection")?.to_string();
    stage.ids.insert("remote_id".into(), remote_id);
    let name = json!({ "display_name": "Our partner" });
    stage
        .make("PATCH", "/remotecluster/{remote_id}", name)
        .await?;
    stage
        .make("DELETE", "/remotecluster/{remote_id}", Value::Null)
        .await?;
    stage.make("POST", "/users/logout", Value::Null).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_captured_request_that_writes_is_answered_as_captured() -> Result<()> {
    let mut stage = Stage::new().await?;
    of_channels(&mut stage).await?;
    of_posts(&mut stage).await?;
    of_oneself(&mut stage).await?;
    of_connections(&mut stage).await?;
    let is_known = |(request, what): &&(String, String), (of, form, _): &(&str, &str, &str)| {
        is_of(of, request) && is_of(form, what)
    };
    let new: Vec<_> = stage
        .found
        .iter()
        .filter(|it| !DEVIATIONS.iter().any(|known| is_known(it, known)))
        .collect();
    let gone: Vec<_> = DEVIATIONS
        .iter()
        .filter(|known| !stage.found.iter().any(|it| is_known(&it, known)))
        .collect();
    ensure!(
        new.is_empty() && gone.is_empty(),
        "new: {new:#?}\nno longer there: {gone:#?}"
    );
    ensure!(stage.made.len() >= 29, "{} requests", stage.made.len());
    stage.host.stop().await;
    Ok(())
}
