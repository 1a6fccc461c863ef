//! A new workspace: the first account, all others, and what is refused to each of them.

use anyhow::Result;
use causeway_tests::client::{Client, HEARD_WITHIN};
use causeway_tests::scene::{PASSWORD, Side, post};
use causeway_tests::warm;
use hyper::Method;
use serde_json::{Value, json};

fn account(username: &str) -> Value {
    json!({ "username": username, "email": format!("{username}@workspace.test"), "password": PASSWORD })
}

#[tokio::test]
async fn the_first_account_administers_and_closes_the_door_behind_it() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("first", data.path()).await?;
    let anonymous = workspace.client();

    let config = anonymous.get("/config/client?format=old").await?;
    assert_eq!(config["NoAccounts"], "true");
    let first = anonymous.post("/users", account("admin")).await?;
    assert_eq!(first["roles"], "system_admin system_user");

    let stranger = account("mallory");
    let refused = anonymous
        .call(Method::POST, "/users", Some(stranger))
        .await?;
    assert_eq!(refused.status, 403);
    let nobody = anonymous.call(Method::GET, "/users/me", None).await?;
    assert_eq!(nobody.status, 401);
    assert_eq!(nobody.error_id(), "api.context.session_expired.app_error");

    let wrong = json!({ "login_id": "admin", "password": "not the password" });
    let refused = anonymous
        .call(Method::POST, "/users/login", Some(wrong))
        .await?;
    assert_eq!(refused.status, 401);
    let unknown = json!({ "login_id": "nobody", "password": "not the password" });
    let unknown = anonymous
        .call(Method::POST, "/users/login", Some(unknown))
        .await?;
    assert_eq!(
        unknown.error_id(),
        refused.error_id(),
        "the error tells who exists"
    );

    let admin = anonymous.login("admin@workspace.test", PASSWORD).await?;
    let second = admin.post("/users", account("ann")).await?;
    assert_eq!(second["roles"], "system_user");
    admin.post("/users/logout", Value::Null).await?;
    assert_eq!(
        admin.call(Method::GET, "/users/me", None).await?.status,
        401
    );
    workspace.stop().await?;
    Ok(())
}

#[tokio::test]
async fn who_is_not_in_a_channel_neither_reads_it_nor_hears_of_it() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("private", data.path()).await?;
    let side = Side::prepare("private", &workspace.site_url(), "crew").await?;
    let (ann, ben) = (side.user("ann").await?, side.user("ben").await?);
    let body =
        json!({ "team_id": side.team_id, "name": "cabin", "display_name": "Cabin", "type": "P" });
    let cabin = ann.post("/channels", body).await?;
    let cabin = cabin["id"].as_str().unwrap_or_default();

    let mut events_of_ben = ben.events().await?;
    let secret = post(&ann, cabin, "", "between us").await?;
    for path in [
        format!("/posts/{secret}"),
        format!("/posts/{secret}/thread"),
        format!("/channels/{cabin}/posts"),
        format!("/channels/{cabin}/members"),
    ] {
        let answer = ben.call(Method::GET, &path, None).await?;
        assert!(
            (403..=404).contains(&answer.status),
            "{path}: {}",
            answer.status
        );
    }
    let body = json!({ "channel_id": cabin, "message": "may I?" });
    let answer = ben.call(Method::POST, "/posts", Some(body)).await?;
    assert_eq!(answer.status, 403);
    let act = ben
        .call(Method::DELETE, &format!("/posts/{secret}"), None)
        .await?;
    assert!((403..=404).contains(&act.status));

    // The next event that ben gets is from the channel that he is in.
    let open = post(&ann, &side.town_square, "", "for all").await?;
    let heard = events_of_ben.next("posted", |_| true, HEARD_WITHIN).await?;
    let heard: Value = serde_json::from_str(heard["data"]["post"].as_str().unwrap_or_default())?;
    assert_eq!(heard["id"], open.as_str());
    Ok(())
}

#[tokio::test]
async fn preferences_are_kept_and_every_session_of_their_owner_hears_of_them() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("preferences", data.path()).await?;
    let side = Side::prepare("preferences", &workspace.site_url(), "crew").await?;
    let (ann, ben) = (side.user("ann").await?, side.user("ben").await?);
    let id = ann.get("/users/me").await?["id"].clone();
    let item = |name: &str, value: &str| json!({ "user_id": id, "category": "display", "name": name, "value": value });
    assert_eq!(ann.get("/users/me/preferences").await?, json!([]));

    let mut events = ann.events().await?;
    let path = "/users/me/preferences";
    let set = json!([item("clock", "24"), item("theme", "dark")]);
    let answer = ann.call(Method::PUT, path, Some(set.clone())).await?;
    assert_eq!(answer.status, 200);
    assert_eq!(ann.get(path).await?, set);
    let heard = events
        .next("preferences_changed", |_| true, HEARD_WITHIN)
        .await?;
    let heard = heard["data"]["preferences"].as_str().unwrap_or_default();
    assert_eq!(serde_json::from_str::<Value>(heard)?, set);

    let one = ann.get(&format!("{path}/display/name/clock")).await?;
    assert_eq!(one, item("clock", "24"));
    let deleted = json!([item("clock", "")]);
    ann.post(&format!("{path}/delete"), deleted.clone()).await?;
    let heard = events
        .next("preferences_deleted", |_| true, HEARD_WITHIN)
        .await?;
    let heard = heard["data"]["preferences"].as_str().unwrap_or_default();
    assert_eq!(serde_json::from_str::<Value>(heard)?, deleted);
    let left = ann.get(&format!("{path}/display")).await?;
    assert_eq!(left, json!([item("theme", "dark")]));
    let none = ann
        .call(Method::GET, &format!("{path}/elsewhere"), None)
        .await?;
    assert_eq!(none.status, 404);

    // Nobody else has them.
    assert_eq!(ben.get(path).await?, json!([]));
    let of_ann = format!("/users/{}/preferences", id.as_str().unwrap_or_default());
    for (method, body) in [(Method::GET, None), (Method::PUT, Some(set.clone()))] {
        assert_eq!(ben.call(method, &of_ann, body).await?.status, 403);
    }
    let answer = ben.call(Method::PUT, path, Some(set)).await?;
    assert_eq!(
        answer.error_id(),
        "api.preference.update_preferences.set.app_error"
    );
    Ok(())
}

#[tokio::test]
async fn a_slash_command_answers_administrators_and_refuses_others() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("slash", data.path()).await?;
    let side = Side::prepare("slash", &workspace.site_url(), "crew").await?;
    let ann = side.user("ann").await?;
    let run = async |user: &Client, command: &str| user.command(&side.town_square, command).await;

    assert_eq!(
        run(&side.admin, "/secure-connection status").await?,
        "No secure connections found."
    );
    let made = run(
        &side.admin,
        "/secure-connection create --name globex --password 12345678",
    )
    .await?;
    assert!(made.starts_with("##### Invitation created."), "{made}");
    let table = run(&side.admin, "/secure-connection status").await?;
    assert!(
        table.contains(
            "| Secure connection | Display name | Connection ID | Site URL | Default Team |"
        ),
        "{table}"
    );
    for command in ["/secure-connection status", "/share-channel status"] {
        let refused = run(&ann, command).await?;
        assert!(refused.starts_with("You require `manage_"), "{refused}");
    }
    let garbage = run(
        &side.admin,
        "/secure-connection accept --name x --password 12345678 --invite garbage",
    )
    .await?;
    assert!(
        garbage.starts_with("Could not decode invitation"),
        "{garbage}"
    );
    // Input that cannot be parsed creates nothing, and is not repeated: it may be part of a password.
    for (rest, says) in [
        ("--name other --password 12345678 beetle", "in quotes"),
        ("--name other --password “beetle", "not closed"),
        ("--name other --password beetle”", "one end"),
        ("--name other --pasword beetle", "There is no `--pasword`"),
    ] {
        let text = run(&side.admin, &format!("/secure-connection create {rest}")).await?;
        assert!(text.contains(says) && !text.contains("beetle"), "{text}");
        assert!(side.connection("other").await?.is_none(), "{rest}");
    }
    let quoted =
        "/secure-connection create --name acme --password “12345678” --displayname “My Company”";
    let made = run(&side.admin, quoted).await?;
    assert!(made.starts_with("##### Invitation created."), "{made}");
    let acme = side.connection("acme").await?.unwrap_or_default();
    assert_eq!(acme["display_name"], "My Company");
    let body = json!({ "channel_id": side.town_square, "command": "/nonsense" });
    let unknown = ann
        .call(Method::POST, "/commands/execute", Some(body))
        .await?;
    assert_eq!(unknown.status, 404);
    Ok(())
}
