//! Somebody marks a post as urgent, and both workspaces show it.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::{Client, Events, HEARD_WITHIN};
use causeway_tests::scene;
use hyper::Method;
use serde_json::{Value, json};

use crate::pair::Pair;

fn stated(level: &str, requested_ack: bool, persistent_notifications: bool) -> Value {
    json!({
        "priority": level,
        "requested_ack": requested_ack,
        "persistent_notifications": persistent_notifications,
    })
}

/// A post in the shared channel with such metadata.
fn body(pair: &Pair, root: &str, text: &str, metadata: &Value) -> Value {
    json!({
        "channel_id": pair.channel, "root_id": root, "message": text, "metadata": metadata,
    })
}

/// Writes a post with a priority; its JSON.
async fn write(pair: &Pair, author: &Client, text: &str, priority: &Value) -> Result<Value> {
    let metadata = json!({ "priority": priority });
    author.post("/posts", body(pair, "", text, &metadata)).await
}

/// The post of the next event with this name whose text is that one.
async fn hears(events: &mut Events, name: &str, text: &str) -> Result<Value> {
    let post = |event: &Value| -> Option<Value> {
        serde_json::from_str(event["data"]["post"].as_str()?).ok()
    };
    let is_it = |event: &Value| post(event).is_some_and(|post| post["message"] == text);
    let event = events.next(name, is_it, HEARD_WITHIN).await?;
    post(&event).context("a text that holds JSON")
}

#[tokio::test]
async fn an_urgent_post_is_urgent_on_both_sides() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let mut events = carla.events().await?;

    let urgent = stated("urgent", true, true);
    let made = write(&pair, ann, "the quay is on fire", &urgent).await?;
    ensure!(made["metadata"]["priority"] == urgent, "{made}");
    let heard = hears(&mut events, "posted", "the quay is on fire").await?;
    ensure!(heard["metadata"]["priority"] == urgent, "{heard}");
    let important = stated("important", false, false);
    write(&pair, carla, "we bring water", &important).await?;
    let asked = stated("", true, false);
    write(&pair, ann, "have you seen this", &asked).await?;
    scene::post(ann, &pair.channel, "", "as always").await?;

    scene::wait_for("all posts on both sides", async || {
        let shown = pair.converged().await?;
        let found = |text: &str| {
            let post = shown.iter().find(|post| post.message == text);
            post.map(|post| post.priority.clone())
        };
        Ok(found("the quay is on fire").as_ref() == Some(&urgent)
            && found("we bring water").as_ref() == Some(&important)
            && found("have you seen this").as_ref() == Some(&asked)
            && found("as always") == Some(Value::Null))
    })
    .await?;

    // An edit keeps the priority, and its event shows it.
    let id = made["id"].as_str().context("a post has an id")?;
    let edit = json!({ "message": "the quay was on fire" });
    ann.put(&format!("/posts/{id}/patch"), edit).await?;
    let heard = hears(&mut events, "post_edited", "the quay was on fire").await?;
    ensure!(heard["metadata"]["priority"] == urgent, "{heard}");
    ensure!(
        heard["remote_id"].is_string(),
        "it came from the other side"
    );
    let config = ann.get("/config/client?format=old").await?;
    ensure!(config["PostPriority"] == "true", "clients may offer it");
    Ok(())
}

#[tokio::test]
async fn what_is_no_priority_is_refused_with_its_reason() -> Result<()> {
    let pair = Pair::open(50).await?;
    let ann = &pair.acme.user;
    let root = scene::post(ann, &pair.channel, "", "a plain post").await?;
    let refused = async |root: &str, priority: Value| -> Result<(u16, String)> {
        let metadata = json!({ "priority": priority });
        let body = body(&pair, root, "refused", &metadata);
        let answer = ann.call(Method::POST, "/posts", Some(body)).await?;
        Ok((answer.status, answer.error_id().to_string()))
    };
    let (status, id) = refused(&root, stated("urgent", false, false)).await?;
    ensure!(
        status == 400
            && id
                == "api.post.post_priority.priority_post_only_allowed_for_root_post.request_error"
    );
    let (status, id) = refused("", stated("important", false, true)).await?;
    ensure!(
        status == 400
            && id == "api.post.post_priority.urgent_persistent_notification_post.request_error"
    );
    for priority in [stated("burning", false, false), json!("urgent")] {
        let (status, id) = refused("", priority).await?;
        ensure!(status == 400, "{id}");
    }
    // No metadata, and none that is known, state no priority.
    for metadata in [
        Value::Null,
        json!({}),
        json!({ "priority": null, "embeds": [] }),
    ] {
        let made = ann
            .post("/posts", body(&pair, "", "taken", &metadata))
            .await?;
        ensure!(made["metadata"] == json!({}), "{made}");
    }
    let reply = body(&pair, &root, "a reply", &json!({}));
    ann.post("/posts", reply).await?;
    Ok(())
}
