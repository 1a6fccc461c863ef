//! What people say of themselves, and accounts that end.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::Client;
use causeway_tests::scene::{PASSWORD, post, wait_for};
use causeway_tests::websocket::Ws;
use hyper::Method;
use serde_json::{Value, json};

use crate::form::{refused, text};
use crate::pair::Pair;

const BAD_BODY: &str = "api.context.invalid_body_param.app_error";
const FORBIDDEN: &str = "api.context.permissions.app_error";

async fn own_id(client: &Client) -> Result<String> {
    text(&client.get("/users/me").await?["id"])
}

/// Two workspaces whose member ann is known in the other one; her id.
async fn acquainted() -> Result<(Pair, String)> {
    let pair = Pair::open(50).await?;
    let ann = own_id(&pair.acme.user).await?;
    post(&pair.acme.user, &pair.channel, "", "hello").await?;
    seen(&pair, &ann, |_| true).await?;
    Ok((pair, ann))
}

/// Waits until the other workspace shows a user as expected.
async fn seen(pair: &Pair, user: &str, is_right: impl Fn(&Value) -> bool) -> Result<()> {
    let path = format!("/users/{user}");
    wait_for("the profile in the other workspace", async || {
        Ok(pair
            .globex
            .user
            .get(&path)
            .await
            .is_ok_and(|it| is_right(&it)))
    })
    .await
}

/// The custom status in a profile.
fn custom_status(profile: &Value) -> Option<Value> {
    let text = profile["props"]["customStatus"].as_str()?;
    serde_json::from_str(text).ok()
}

#[tokio::test]
async fn a_custom_status_is_seen_in_the_other_workspace_until_it_is_removed() -> Result<()> {
    let (pair, ann_id) = acquainted().await?;
    let (ann, path) = (&pair.acme.user, format!("/users/{ann_id}/status/custom"));
    let body = json!({ "emoji": "palm_tree", "text": "On leave", "duration": "this_week",
        "expires_at": "2030-01-31T18:00:00Z" });
    ensure!(ann.put(&path, body.clone()).await?["status"] == "OK");
    let own = custom_status(&ann.get("/users/me").await?);
    ensure!(own.as_ref() == Some(&body), "{own:?}");
    seen(&pair, &ann_id, |it| {
        custom_status(it).as_ref() == Some(&body)
    })
    .await?;

    for bad in [
        json!({}),
        json!({ "emoji": "no emoji", "text": "x" }),
        json!({ "text": "x".repeat(101) }),
        json!({ "text": "x", "expires_at": "tomorrow" }),
    ] {
        let answer = ann.call(Method::PUT, &path, Some(bad)).await?;
        refused(&answer, 400, BAD_BODY)?;
    }
    let admin = &pair.acme.side.admin;
    let answer = admin.call(Method::PUT, &path, Some(body)).await?;
    refused(&answer, 403, FORBIDDEN)?;

    ann.delete(&path).await?;
    seen(&pair, &ann_id, |it| custom_status(it).is_none()).await
}

#[tokio::test]
async fn a_deactivated_account_is_inactive_on_both_sides_until_an_administrator_reactivates_it()
-> Result<()> {
    let (pair, ann_id) = acquainted().await?;
    let (ann, admin) = (&pair.acme.user, &pair.acme.side.admin);
    let path = format!("/users/{ann_id}/active");
    let bob = pair.acme.side.user("bob").await?;
    let answer = bob
        .call(Method::PUT, &path, Some(json!({ "active": false })))
        .await?;
    refused(&answer, 403, FORBIDDEN)?;
    // Known in the other workspace, and not theirs to deactivate.
    let there = pair
        .globex
        .side
        .admin
        .call(Method::PUT, &path, Some(json!({ "active": false })));
    refused(&there.await?, 403, FORBIDDEN)?;

    let mut line = Ws::open(ann, "").await?;
    admin.put(&path, json!({ "active": false })).await?;
    line.ending().await.context("her WebSocket is closed")?;
    let answer = ann.call(Method::GET, "/users/me", None).await?;
    ensure!(answer.status == 401, "{}", answer.body);
    let login = json!({ "login_id": "ann", "password": PASSWORD });
    let answer = ann
        .call(Method::POST, "/users/login", Some(login.clone()))
        .await?;
    refused(&answer, 401, "api.user.login.inactive.app_error")?;
    seen(&pair, &ann_id, |it| it["delete_at"].as_i64() > Some(0)).await?;

    admin.put(&path, json!({ "active": true })).await?;
    seen(&pair, &ann_id, |it| it["delete_at"] == 0).await?;
    let answer = ann.call(Method::POST, "/users/login", Some(login)).await?;
    ensure!(answer.status == 200, "{}", answer.body);
    // And deactivated by its user.
    let bob_id = own_id(&bob).await?;
    bob.delete(&format!("/users/{bob_id}")).await?;
    let answer = bob.call(Method::GET, "/users/me", None).await?;
    ensure!(answer.status == 401, "{}", answer.body);
    Ok(())
}
