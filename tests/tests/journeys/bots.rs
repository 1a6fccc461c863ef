//! Accounts of programs, with access tokens, and what other workspaces see of them.

use anyhow::{Result, ensure};
use causeway_tests::client::Client;
use causeway_tests::scene::{arrives, id_of, post, wait_for};
use hyper::Method;
use serde_json::{Value, json};

use crate::pair::Pair;

/// Makes a bot; its id.
async fn bot(admin: &Client, name: &str) -> Result<String> {
    let new = json!({ "username": name, "display_name": "Builder", "description": "runs builds" });
    let made = admin.post("/bots", new).await?;
    ensure!(
        made["username"] == name && made["display_name"] == "Builder",
        "{made}"
    );
    ensure!(made["owner_id"] == id_of(admin).await?, "{made}");
    Ok(made["user_id"].as_str().unwrap_or_default().to_string())
}

/// Makes an access token; its JSON.
async fn token_of(admin: &Client, user: &str) -> Result<Value> {
    let new = json!({ "description": "builds" });
    admin.post(&format!("/users/{user}/tokens"), new).await
}

fn with(client: &Client, token: &Value) -> Client {
    client.with_token(token["token"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_bot_writes_in_a_shared_channel_and_is_known_as_one_on_both_sides() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (acme, globex) = (&pair.acme.side, &pair.globex.side);
    let builder = bot(&acme.admin, "builder").await?;
    let token = token_of(&acme.admin, &builder).await?;
    let program = with(&acme.admin, &token);
    let member = json!({ "team_id": acme.team_id, "user_id": builder });
    acme.admin
        .post(&format!("/teams/{}/members", acme.team_id), member)
        .await?;
    acme.join(&pair.channel, &[&program]).await?;
    let said = post(&program, &pair.channel, "", "build 7 is done").await?;
    arrives(&pair.globex.user, &said).await?;
    let seen = pair.globex.user.get(&format!("/posts/{said}")).await?;
    ensure!(seen["props"]["from_bot"] == "true", "{seen}");
    for reader in [&pair.acme.user, &pair.globex.user] {
        let seen = reader.get(&format!("/users/{builder}")).await?;
        ensure!(
            seen["is_bot"] == true && seen["bot_description"] == "runs builds",
            "{seen}"
        );
    }
    ensure!(
        globex.admin.get("/bots").await? == json!([]),
        "it is no bot of theirs"
    );

    // What is said of it follows.
    let change = json!({ "description": "runs tests" });
    acme.admin.put(&format!("/bots/{builder}"), change).await?;
    post(&program, &pair.channel, "", "test 7 is done").await?;
    wait_for("the new description", async || {
        let seen = pair.globex.user.get(&format!("/users/{builder}")).await?;
        Ok(seen["bot_description"] == "runs tests")
    })
    .await?;

    // Editing does not remove the mark.
    let edit = json!({ "message": "build 7 is done now", "props": {} });
    program.put(&format!("/posts/{said}/patch"), edit).await?;
    wait_for("the edit", async || {
        let seen = pair.globex.user.get(&format!("/posts/{said}")).await?;
        ensure!(seen["props"]["from_bot"] == "true", "{seen}");
        Ok(seen["message"] == "build 7 is done now")
    })
    .await?;

    // Switched off it does nothing more, and comes back.
    let acme = &acme.admin;
    acme.post(&format!("/bots/{builder}/disable"), json!({}))
        .await?;
    ensure!(program.call(Method::GET, "/users/me", None).await?.status == 401);
    acme.post(&format!("/bots/{builder}/enable"), json!({}))
        .await?;
    program.get("/users/me").await?;
    let gone = json!({ "token_id": token["id"] });
    let second = token_of(acme, &builder).await?;
    acme.post("/users/tokens/disable", gone.clone()).await?;
    ensure!(program.call(Method::GET, "/users/me", None).await?.status == 401);
    let other = with(acme, &second);
    let refused = other.call(Method::POST, "/users/tokens/enable", Some(gone.clone()));
    ensure!(
        refused.await?.status == 403,
        "a program does not undo what an administrator did"
    );
    acme.post("/users/tokens/enable", gone.clone()).await?;
    program.get("/users/me").await?;
    acme.post("/users/tokens/revoke", gone).await?;
    ensure!(program.call(Method::GET, "/users/me", None).await?.status == 401);
    Ok(())
}

#[tokio::test]
async fn administrators_make_bots_and_tokens_and_nobody_logs_in_as_a_bot() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (admin, ann) = (&pair.acme.side.admin, &pair.acme.user);
    let own = id_of(ann).await?;
    for (path, body) in [
        ("/bots".to_string(), json!({ "username": "mine" })),
        (
            format!("/users/{own}/tokens"),
            json!({ "description": "mine" }),
        ),
        (format!("/users/{own}/convert_to_bot"), json!({})),
    ] {
        let refused = ann.call(Method::POST, &path, Some(body)).await?;
        ensure!(refused.status == 403, "{path}: {refused:?}");
    }
    let (bob, builder) = (
        pair.acme.side.user("bob").await?,
        bot(admin, "builder").await?,
    );
    let made = token_of(admin, &builder).await?;
    ensure!(admin.get(&format!("/users/{builder}/tokens")).await?[0]["id"] == made["id"]);
    let path = format!("/users/tokens/{}", made["id"].as_str().unwrap_or_default());
    ensure!(ann.call(Method::GET, &path, None).await?.status == 404);
    let seen = admin.get(&path).await?;
    ensure!(seen.get("token").is_none(), "it is told once: {seen}");
    // An account that becomes a bot's is no longer opened by its password.
    let id = id_of(&bob).await?;
    admin
        .post(&format!("/users/{id}/convert_to_bot"), json!({}))
        .await?;
    ensure!(bob.call(Method::GET, "/users/me", None).await?.status == 401);
    let login = json!({ "login_id": "bob", "password": "any-password" });
    let refused = bob.call(Method::POST, "/users/login", Some(login)).await?;
    ensure!(
        refused.error_id() == "api.user.login.bot_login_forbidden.login.app_error",
        "{refused:?}"
    );
    let own = id_of(admin).await?;
    let convert = format!("/users/{own}/convert_to_bot");
    let refused = admin.call(Method::POST, &convert, Some(json!({}))).await?;
    ensure!(
        refused.status == 400,
        "an administrator stays a person: {refused:?}"
    );
    let listed = admin.get("/bots").await?;
    ensure!(
        listed.as_array().is_some_and(|bots| bots.len() == 2),
        "{listed}"
    );
    Ok(())
}
