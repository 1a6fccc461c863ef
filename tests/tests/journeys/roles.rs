//! Roles: who manages connections and shares channels, and who administers.

use anyhow::{Result, ensure};
use causeway_tests::client::{Client, Events, HEARD_WITHIN};
use causeway_tests::command;
use causeway_tests::hosted::Hosted;
use causeway_tests::scene::Side;
use hyper::Method;
use serde_json::{Value, json};

use crate::form::{refused, text};
use crate::pair::Pair;

const FORBIDDEN: &str = "api.context.permissions.app_error";
const BAD_BODY: &str = "api.context.invalid_body_param.app_error";
const NOT_GRANTABLE: &str = "api.roles.patch_roles.not_allowed_permission.error";
const CONNECTIONS: &str = "manage_secure_connections";
const CHANNELS: &str = "manage_shared_channels";

async fn own_id(client: &Client) -> Result<String> {
    text(&client.get("/users/me").await?["id"])
}

async fn put(client: &Client, path: &str, body: Value) -> Result<causeway_tests::client::Answer> {
    client.call(Method::PUT, path, Some(body)).await
}

async fn role(client: &Client, name: &str) -> Result<Value> {
    client.get(&format!("/roles/name/{name}")).await
}

fn has(role: &Value, permission: &str) -> bool {
    let permissions = role["permissions"].as_array();
    permissions.is_some_and(|all| all.iter().any(|it| it == permission))
}

/// Grants a permission to a role, as clients do it: with all permissions that the role has.
async fn grant(admin: &Client, name: &str, permission: &str) -> Result<Value> {
    let role = role(admin, name).await?;
    let mut permissions = role["permissions"].as_array().cloned().unwrap_or_default();
    permissions.push(permission.into());
    let path = format!("/roles/{}/patch", text(&role["id"])?);
    admin
        .put(&path, json!({ "permissions": permissions }))
        .await
}

/// The slash commands that are offered to a user, with their arguments.
async fn commands(client: &Client, team_id: &str) -> Result<Vec<String>> {
    let path = format!("/commands?team_id={team_id}");
    let list = client.get(&path).await?;
    let list = list.as_array().cloned().unwrap_or_default();
    let shown = |it: &Value| -> Result<String> {
        let hint = text(&it["auto_complete_hint"])?;
        Ok(format!("{} {hint}", text(&it["trigger"])?))
    };
    list.iter().map(shown).collect()
}

async fn create_connection(client: &Client, side: &Side) -> Result<causeway_tests::client::Answer> {
    let body = json!({ "name": "globex", "default_team_id": side.team_id });
    client
        .call(Method::POST, "/remotecluster", Some(body))
        .await
}

/// The next event with this name.
async fn hear(line: &mut Events, event: &str) -> Result<Value> {
    line.next(event, |_| true, HEARD_WITHIN).await
}

#[tokio::test]
async fn a_user_manages_connections_by_a_role_and_nothing_else() -> Result<()> {
    let host = Hosted::start("boss", |_| {}).await?;
    let (admin, side) = (&host.side.admin, &host.side);
    let ann = host.user("ann").await?;
    let path = format!("/users/{}/roles", own_id(&ann).await?);
    refused(&create_connection(&ann, side).await?, 403, FORBIDDEN)?;
    let listed = ann.call(Method::GET, "/remotecluster", None).await?;
    refused(&listed, 403, FORBIDDEN)?;
    let said = ann
        .command(&side.town_square, "/secure-connection status")
        .await?;
    ensure!(
        said.contains("You require `manage_secure_connections`"),
        "{said}"
    );
    let offered = commands(&ann, &side.team_id).await?;
    assert_eq!(offered, ["share-channel [delivery]"]);

    let roles = json!({ "roles": "system_user system_secure_connection_manager" });
    refused(&put(&ann, &path, roles.clone()).await?, 403, FORBIDDEN)?;
    for (roles, id) in [
        (json!({ "roles": "system_admin" }), BAD_BODY),
        (json!({ "roles": "system_user team_admin" }), BAD_BODY),
        (json!({ "roles": "No role" }), BAD_BODY),
        (json!({}), BAD_BODY),
        (
            json!({ "roles": "system_user system_nobody" }),
            "app.role.check_roles_exist.role_not_found",
        ),
    ] {
        refused(&put(admin, &path, roles).await?, 400, id)?;
    }
    let mut line = ann.events().await?;
    admin.put(&path, roles.clone()).await?;
    let heard = hear(&mut line, "user_role_updated").await?;
    assert_eq!(heard["data"]["roles"], roles["roles"]);
    assert_eq!(heard["data"]["user_id"], ann.get("/users/me").await?["id"]);
    assert_eq!(ann.get("/users/me").await?["roles"], roles["roles"]);

    let offered = commands(&ann, &side.team_id).await?;
    let for_managers = [
        "secure-connection [create|accept|remove|status]",
        "share-channel [delivery|invitations|accept|decline]",
    ];
    assert_eq!(offered, for_managers);
    let made = create_connection(&ann, side).await?;
    ensure!(made.status == 201, "{}", made.body);
    let id = text(&made.body["remote_cluster"]["remote_id"])?;
    let offers = format!("/share-channel invitations --connectionID {id}");
    let said = ann.command(&side.town_square, &offers).await?;
    assert_eq!(said, "No channel is offered over this secure connection.");
    let said = ann
        .command(&side.town_square, "/share-channel status")
        .await?;
    ensure!(
        said.contains("You require `manage_shared_channels`"),
        "{said}"
    );
    let connection = format!(
        "/remotecluster/{}",
        text(&made.body["remote_cluster"]["remote_id"])?
    );
    let password = json!({ "password": "some password" });
    ann.post(&format!("{connection}/generate_invite"), password)
        .await?;
    let changed = ann
        .call(
            Method::PATCH,
            &connection,
            Some(json!({ "display_name": "Globex Ltd." })),
        )
        .await?;
    assert_eq!(changed.ok()?["display_name"], "Globex Ltd.");
    let said = ann
        .command(&side.town_square, "/secure-connection status")
        .await?;
    ensure!(said.contains("Globex Ltd."), "{said}");
    let share = format!("{connection}/channels/{}/invite", side.town_square);
    let shared = ann.call(Method::POST, &share, None).await?;
    refused(&shared, 403, FORBIDDEN)?;
    let said = ann
        .command(&side.town_square, "/share-channel status")
        .await?;
    ensure!(
        said.contains("You require `manage_shared_channels`"),
        "{said}"
    );
    let configured = ann.call(Method::GET, "/config", None).await?;
    refused(&configured, 403, FORBIDDEN)?;
    ann.delete(&connection).await?;

    admin.put(&path, json!({ "roles": "system_user" })).await?;
    refused(&create_connection(&ann, side).await?, 403, FORBIDDEN)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn roles_show_what_they_grant_and_only_system_admins_change_it() -> Result<()> {
    let host = Hosted::start("boss", |_| {}).await?;
    let admin = &host.side.admin;
    let ann = host.user("ann").await?;
    let team_admin = role(&ann, "team_admin").await?;
    let id = text(&team_admin["id"])?;
    assert_eq!(ann.get(&format!("/roles/{id}")).await?, team_admin);
    let names = json!(["team_admin", "nobody", "system_admin"]);
    let named = ann.post("/roles/names", names).await?;
    assert_eq!(named.as_array().map(Vec::len), Some(2));
    ensure!(
        named[1] == team_admin && has(&named[0], "manage_system"),
        "{named}"
    );
    let all = admin.get("/roles").await?;
    assert_eq!(all.as_array().map(Vec::len), Some(8));
    for (path, status, error) in [
        ("/roles", 403, FORBIDDEN),
        ("/roles/name/nobody", 404, "app.role.get_by_name.app_error"),
        (
            "/roles/abcdefghijklmnopqrstuvwxyz",
            404,
            "app.role.get.app_error",
        ),
    ] {
        let answer = ann.call(Method::GET, path, None).await?;
        refused(&answer, status, error)?;
    }
    for bad in [json!([]), json!(["no name"])] {
        let answer = ann.call(Method::POST, "/roles/names", Some(bad)).await?;
        refused(&answer, 400, BAD_BODY)?;
    }

    let path = format!("/roles/{id}/patch");
    let all = json!({ "permissions": team_admin["permissions"] });
    refused(&put(&ann, &path, all).await?, 403, FORBIDDEN)?;
    let mut line = ann.events().await?;
    let changed = grant(admin, "team_admin", CHANNELS).await?;
    ensure!(has(&changed, CHANNELS) && !has(&team_admin, CHANNELS));
    let heard = hear(&mut line, "role_updated").await?;
    let heard: Value = serde_json::from_str(&text(&heard["data"]["role"])?)?;
    ensure!(heard == changed && changed == role(&ann, "team_admin").await?);
    // Not connections, which belong to no team; not what nobody can grant; not from a system admin.
    for permissions in [
        json!([
            CONNECTIONS,
            CHANNELS,
            "manage_team_roles",
            "delete_others_posts"
        ]),
        json!(["manage_system", "manage_team_roles", "delete_others_posts"]),
        json!(["manage_team_roles"]),
    ] {
        let answer = put(admin, &path, json!({ "permissions": permissions })).await?;
        refused(&answer, 501, NOT_GRANTABLE)?;
    }
    let system_admin = role(admin, "system_admin").await?;
    let fixed = format!("/roles/{}/patch", text(&system_admin["id"])?);
    let mut fewer = system_admin["permissions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    fewer.retain(|it| it != CHANNELS);
    let answer = put(admin, &fixed, json!({ "permissions": fewer })).await?;
    refused(&answer, 501, NOT_GRANTABLE)?;
    refused(&put(admin, &path, json!({})).await?, 400, BAD_BODY)?;
    host.stop().await;
    Ok(())
}

/// The path by which a channel is shared with the other workspace.
async fn sharing(side: &Side, channel: &str) -> Result<String> {
    let list = side.admin.get("/remotecluster").await?;
    let id = text(&list[0]["remote_id"])?;
    Ok(format!("/remotecluster/{id}/channels/{channel}"))
}

async fn share(
    client: &Client,
    side: &Side,
    channel: &str,
) -> Result<causeway_tests::client::Answer> {
    let path = format!("{}/invite", sharing(side, channel).await?);
    client.call(Method::POST, &path, None).await
}

#[tokio::test]
async fn a_team_admin_with_the_permission_shares_channels_of_that_team_only() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (admin, side) = (&pair.acme.side.admin, &pair.acme.side);
    let ann = &pair.acme.user;
    let ann_id = own_id(ann).await?;
    let quay = side.channel("quay", &[ann]).await?;
    let body = json!({ "name": "second", "display_name": "Second", "type": "O" });
    let second = text(&ann.post("/teams", body).await?["id"])?;
    let path = format!("/teams/{second}/channels/name/town-square");
    let elsewhere = text(&admin.get(&path).await?["id"])?;
    grant(admin, "team_admin", CHANNELS).await?;
    // She administers the team that she made, and not yet the other one.
    refused(&share(ann, side, &quay).await?, 403, FORBIDDEN)?;
    let member = format!("/teams/{}/members/{ann_id}", side.team_id);
    let scheme = format!("{member}/schemeRoles");
    let body = json!({ "scheme_admin": true, "scheme_user": true });
    let bob = side.user("bob").await?;
    refused(&put(&bob, &scheme, body.clone()).await?, 403, FORBIDDEN)?;
    let unset = put(admin, &scheme, json!({ "scheme_admin": true })).await?;
    refused(
        &unset,
        400,
        "api.team.update_team_member_roles.unset_user_scheme.app_error",
    )?;
    let mut line = ann.events().await?;
    admin.put(&scheme, body).await?;
    let heard = hear(&mut line, "memberrole_updated").await?;
    let heard: Value = serde_json::from_str(&text(&heard["data"]["member"])?)?;
    assert_eq!(heard["roles"], "team_user team_admin");
    assert_eq!(heard["scheme_admin"], true);

    let own = format!("/teams/{second}/members/{ann_id}/schemeRoles");
    admin.put(&own, json!({ "scheme_user": true })).await?;
    refused(&share(ann, side, &elsewhere).await?, 403, FORBIDDEN)?;
    share(ann, side, &quay).await?.ok()?;
    // What is offered is for those who manage connections.
    let id = side.remote_id("globex").await?;
    let offers = format!("/share-channel invitations --connectionID {id}");
    let said = ann.command(&quay, &offers).await?;
    ensure!(
        said.contains("You require `manage_secure_connections`"),
        "{said}"
    );
    let said = ann.command(&quay, "/share-channel unshare").await?;
    assert_eq!(said, "This channel is no longer shared.");
    let made = ann
        .call(Method::POST, "/remotecluster", Some(json!({})))
        .await?;
    refused(&made, 403, FORBIDDEN)?;

    // One member of one team, without administering it: a further role, from a system admin.
    admin.put(&scheme, json!({ "scheme_user": true })).await?;
    refused(&share(ann, side, &quay).await?, 403, FORBIDDEN)?;
    let roles = json!({ "roles": "team_user system_shared_channel_manager" });
    admin.put(&format!("{member}/roles"), roles).await?;
    let shown = admin.get(&member).await?;
    assert_eq!(shown["explicit_roles"], "system_shared_channel_manager");
    assert_eq!(shown["roles"], "team_user system_shared_channel_manager");
    share(ann, side, &quay).await?.ok()?;
    refused(&share(ann, side, &elsewhere).await?, 403, FORBIDDEN)?;
    let unshare = format!("/causeway/channels/{quay}/unshare");
    ann.post(&unshare, json!({})).await?;
    refused(
        &bob.call(Method::POST, &unshare, None).await?,
        403,
        FORBIDDEN,
    )?;
    Ok(())
}

#[tokio::test]
async fn the_last_active_system_admin_keeps_the_role_and_the_account() -> Result<()> {
    let host = Hosted::start("boss", |_| {}).await?;
    let admin = &host.side.admin;
    let ann = host.user("ann").await?;
    let (boss_id, ann_id) = (own_id(admin).await?, own_id(&ann).await?);
    let (active, roles) = (
        format!("/users/{boss_id}/active"),
        format!("/users/{boss_id}/roles"),
    );
    let left = "causeway.user.deactivate_last_admin.app_error";
    let demoted = "api.user.demote_last_admin.app_error";
    let answer = put(admin, &active, json!({ "active": false })).await?;
    refused(&answer, 400, left)?;
    let message = text(&answer.body["message"])?;
    ensure!(
        message.contains("Make another user a system admin first"),
        "{message}"
    );
    let answer = admin
        .call(Method::DELETE, &format!("/users/{boss_id}"), None)
        .await?;
    refused(&answer, 400, left)?;
    let answer = put(admin, &roles, json!({ "roles": "system_user" })).await?;
    refused(&answer, 400, demoted)?;
    // The session is still there, too.
    admin.get("/users/me").await?;

    let path = format!("/users/{ann_id}/roles");
    admin
        .put(&path, json!({ "roles": "system_user system_admin" }))
        .await?;
    admin.put(&roles, json!({ "roles": "system_user" })).await?;
    refused(
        &put(admin, &path, json!({ "roles": "system_user" })).await?,
        403,
        FORBIDDEN,
    )?;
    let answer = ann.call(Method::DELETE, "/users/me", None).await?;
    refused(&answer, 400, left)?;
    ann.put(&roles, json!({ "roles": "system_user system_admin" }))
        .await?;
    ann.delete("/users/me").await?;
    let answer = put(admin, &active, json!({ "active": false })).await?;
    refused(&answer, 400, left)?;
    host.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_administered_on_the_command_line() -> Result<()> {
    let host = Hosted::start("boss", |_| {}).await?;
    let ann = host.user("ann").await?;
    let run = async |arguments: &[&str]| command::admin(&host.side, arguments).await;
    let list = run(&["roles"]).await?;
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 8, "{list}");
    ensure!(
        lines.contains(&"system_admin  manage_secure_connections  manage_shared_channels"),
        "{list}"
    );
    ensure!(lines.contains(&"team_admin"), "{list}");

    assert_eq!(run(&["roles", "ann"]).await?, "system_user");
    let given = run(&["roles", "ann", "system_secure_connection_manager"]).await?;
    assert_eq!(given, "system_user system_secure_connection_manager");
    let made = create_connection(&ann, &host.side).await?;
    ensure!(made.status == 201, "{}", made.body);
    assert_eq!(run(&["roles", "ann", "system_user"]).await?, "system_user");
    let in_team = ["roles", "--team", "crew", "ann"];
    assert_eq!(run(&in_team).await?, "team_user");
    let given = run(&[&in_team[..], &["team_admin"]].concat()).await?;
    assert_eq!(given, "team_user team_admin");

    let share = || ann.command(&host.side.town_square, "/share-channel status");
    ensure!(share().await?.starts_with("You require"));
    let granted = run(&["grant", "team_admin", CHANNELS]).await?;
    assert_eq!(granted, "team_admin  manage_shared_channels");
    ensure!(!share().await?.starts_with("You require"));
    assert_eq!(
        run(&["revoke", "team_admin", CHANNELS]).await?,
        "team_admin"
    );
    ensure!(share().await?.starts_with("You require"));

    for (arguments, says) in [
        (
            &["grant", "team_admin", CONNECTIONS][..],
            "grant it to a role of the system",
        ),
        (
            &["grant", "team_admin", "manage_weather"],
            "These can: manage_secure_connections",
        ),
        (
            &["grant", "nobody", CHANNELS],
            "`causeway admin roles` lists them",
        ),
        (&["revoke", "system_admin", CHANNELS], "is fixed"),
        (
            &["roles", "ann", "system_nobody"],
            "These exist: system_admin",
        ),
        (&["roles", "nobody", "system_user"], "nobody"),
        (&["roles", "a/b"], "not the name of a user"),
        (
            &["deactivate", "boss"],
            "Make another user a system admin first",
        ),
    ] {
        let error = run(arguments).await.err().map(|it| it.to_string());
        ensure!(
            error.as_ref().is_some_and(|it| it.contains(says)),
            "{arguments:?}: {error:?}"
        );
    }

    assert_eq!(run(&["deactivate", "ann"]).await?, "ann is deactivated");
    let answer = ann.call(Method::GET, "/users/me", None).await?;
    ensure!(answer.status == 401, "{}", answer.body);
    assert_eq!(run(&["activate", "ann"]).await?, "ann is active");
    let path = format!("/users/username/{}", "ann");
    assert_eq!(host.side.admin.get(&path).await?["delete_at"], 0);
    host.stop().await;
    Ok(())
}
