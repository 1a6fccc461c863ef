//! `causeway admin` for accounts that exist: whether they are active, their roles, and what roles grant.

use anyhow::{Context, Result, bail};
use axum::http::Method;
use causeway_kernel::model::{Permission, Role, naming};
use clap::Subcommand;
use serde_json::{Value, json};

use super::connection::team_id;
use super::remote::{Remote, RemoteArgs, in_session, text};
use super::terminal;

#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Deactivate an account: it is logged out and cannot log in until it is activated again.
    ///
    /// The last active system admin cannot be deactivated.
    Deactivate {
        /// User name.
        user: String,
    },
    /// Activate an account that was deactivated.
    Activate {
        /// User name.
        user: String,
    },
    /// Show or set the roles of a user, or list all roles.
    ///
    /// Without USER, lists the roles and the permissions that were granted to each. Without ROLE, shows the roles of
    /// the user. Otherwise the user has exactly these roles afterwards, and `system_user` (with --team: `team_user`),
    /// which everybody has. The last active system admin cannot lose that role.
    Roles {
        /// Name of a team: the roles of the user as a member of it. `system_shared_channel_manager` can be given
        /// there, too, and then counts in that team alone.
        #[arg(long, requires = "user")]
        team: Option<String>,
        /// User name.
        user: Option<String>,
        /// All roles that the user is to have, e.g. system_admin, system_secure_connection_manager.
        #[arg(value_name = "ROLE")]
        roles: Vec<String>,
    },
    /// Grant a permission to a role.
    ///
    /// `manage_secure_connections` can be granted to roles of the system (system_…), `manage_shared_channels` to every
    /// role: to team_admin it gives the channels of the teams that its holder administers.
    Grant {
        /// Name of the role, e.g. team_admin.
        role: String,
        /// Name of the permission.
        permission: String,
    },
    /// Take a permission from a role.
    Revoke {
        /// Name of the role.
        role: String,
        /// Name of the permission.
        permission: String,
    },
}

pub async fn run(args: &RemoteArgs, command: AccountCommand) -> Result<()> {
    in_session(args, async |remote| match command {
        AccountCommand::Deactivate { user } => set_active(remote, &user, false).await,
        AccountCommand::Activate { user } => set_active(remote, &user, true).await,
        AccountCommand::Roles { user: None, .. } => list_roles(remote).await,
        AccountCommand::Roles {
            team: None,
            user: Some(user),
            roles,
        } => roles_of(remote, &user, roles).await,
        AccountCommand::Roles {
            team: Some(team),
            user: Some(user),
            roles,
        } => roles_in_team(remote, &team, &user, roles).await,
        AccountCommand::Grant { role, permission } => {
            change(remote, &role, |granted| {
                if !granted.contains(&permission) {
                    granted.push(permission);
                }
            })
            .await
        }
        AccountCommand::Revoke { role, permission } => {
            change(remote, &role, |granted| {
                granted.retain(|it| *it != permission);
            })
            .await
        }
    })
    .await
}

async fn set_active(remote: &Remote, name: &str, is_active: bool) -> Result<()> {
    let path = format!("/users/{}/active", id_of(&found(remote, name).await?)?);
    let body = json!({ "active": is_active });
    remote.call(Method::PUT, &path, Some(&body)).await?;
    let state = if is_active { "active" } else { "deactivated" };
    terminal::line(format_args!("{name} is {state}"));
    Ok(())
}

/// A user by name.
async fn found(remote: &Remote, name: &str) -> Result<Value> {
    let name = name.to_ascii_lowercase();
    if !naming::is_username(&name) {
        bail!("{name:?} is not the name of a user of this workspace");
    }
    let path = format!("/users/username/{name}");
    let user = remote.call(Method::GET, &path, None).await;
    user.with_context(|| format!("user {name}"))
}

fn id_of(object: &Value) -> Result<&str> {
    let id = object.get("id").and_then(Value::as_str);
    id.context("the workspace did not return an id")
}

async fn list_roles(remote: &Remote) -> Result<()> {
    let roles = remote.call(Method::GET, "/roles", None).await?;
    for role in roles.as_array().into_iter().flatten() {
        terminal::line(role_text(role));
    }
    Ok(())
}

/// What is shown of a role: its name, and what was granted to it.
fn role_text(role: &Value) -> String {
    let has = permissions(role);
    let mut shown = vec![text(role, "name")];
    let grantable = Permission::ALL.iter().map(|permission| permission.name());
    shown.extend(grantable.filter(|name| has.iter().any(|it| it == name)));
    shown.join("  ")
}

fn permissions(role: &Value) -> Vec<String> {
    let names = role.get("permissions").and_then(Value::as_array);
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    names.map(String::from).collect()
}

async fn roles_of(remote: &Remote, name: &str, roles: Vec<String>) -> Result<()> {
    let user = found(remote, name).await?;
    if roles.is_empty() {
        terminal::line(text(&user, "roles"));
        return Ok(());
    }
    let path = format!("/users/{}/roles", id_of(&user)?);
    set(remote, &path, Role::SystemUser, roles).await?;
    terminal::line(text(&found(remote, name).await?, "roles"));
    Ok(())
}

async fn roles_in_team(remote: &Remote, team: &str, name: &str, roles: Vec<String>) -> Result<()> {
    let user = found(remote, name).await?;
    let team = team_id(remote, team).await?;
    let path = format!("/teams/{team}/members/{}", id_of(&user)?);
    if !roles.is_empty() {
        set(remote, &format!("{path}/roles"), Role::TeamUser, roles).await?;
    }
    let member = remote.call(Method::GET, &path, None).await?;
    terminal::line(text(&member, "roles"));
    Ok(())
}

/// Sets roles, with the one that everybody has.
async fn set(remote: &Remote, path: &str, everybodys: Role, mut roles: Vec<String>) -> Result<()> {
    roles.insert(0, everybodys.name().to_string());
    let body = json!({ "roles": roles.join(" ") });
    remote.call(Method::PUT, path, Some(&body)).await?;
    Ok(())
}

/// Changes the permissions of a role.
async fn change(remote: &Remote, name: &str, change: impl FnOnce(&mut Vec<String>)) -> Result<()> {
    if Role::by_name(name).is_none() {
        bail!("there is no role {name:?}; `causeway admin roles` lists them");
    }
    let path = format!("/roles/name/{name}");
    let role = remote.call(Method::GET, &path, None).await?;
    let mut granted = permissions(&role);
    change(&mut granted);
    let path = format!("/roles/{}/patch", id_of(&role)?);
    let body = json!({ "permissions": granted });
    let role = remote.call(Method::PUT, &path, Some(&body)).await?;
    terminal::line(role_text(&role));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_role_is_shown_what_can_be_granted() {
        let role = json!({
            "name": "system_user",
            "permissions": ["create_team", "manage_shared_channels", "manage_secure_connections"],
        });
        let shown = "system_user  manage_secure_connections  manage_shared_channels";
        assert_eq!(role_text(&role), shown);
        assert_eq!(role_text(&json!({ "name": "team_user" })), "team_user");
    }
}
