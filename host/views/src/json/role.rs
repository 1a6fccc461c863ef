//! `Role`.

use causeway_kernel::authority;
use causeway_kernel::boundary::behaviour::{Behaviour, InForce};
use causeway_kernel::model::{Permission, Role, RolePermissions};
use causeway_kernel::rows::tx::Read;
use serde::Serialize;

use super::{Null, Views};

/// A role as clients see it.
#[derive(Serialize)]
pub struct RoleView {
    id: String,
    name: &'static str,
    display_name: &'static str,
    description: &'static str,
    create_at: i64,
    update_at: i64,
    delete_at: i64,
    permissions: Vec<&'static str>,
    scheme_managed: bool,
    built_in: bool,
    scheme_id: Null,
}

impl<R: Read + ?Sized> Views<'_, R> {
    /// A role. All of them are built in and as old as the workspace's first behaviour.
    pub fn role(&self, role: Role) -> RoleView {
        let founding = self.rows.get::<InForce>(&Behaviour::Founding.number());
        let create_at = founding.map_or(0, |row| row.since_ms);
        let changed = self.rows.get::<RolePermissions>(&role.number());
        let (display_name, description) = words(role);
        RoleView {
            id: role.id().to_string(),
            name: role.name(),
            display_name,
            description,
            create_at,
            update_at: changed.map_or(create_at, |row| row.update_at),
            delete_at: 0,
            permissions: permissions(self.rows, role),
            scheme_managed: is_scheme_managed(role),
            built_in: true,
            scheme_id: (),
        }
    }
}

/// The names of all permissions that a role has: what [`authority`] lets its holders do, from which clients derive
/// what they offer.
pub fn permissions(rows: &(impl Read + ?Sized), role: Role) -> Vec<&'static str> {
    let granted = authority::permissions_of(rows, role);
    let mut names: Vec<&str> = fixed(role).concat();
    names.extend(
        granted
            .iter()
            .map(|permission| Permission::name(*permission)),
    );
    names
}

/// Permissions that every system user has.
const SYSTEM_USER: &[&str] = &[
    "list_public_teams",
    "join_public_teams",
    "create_team",
    "create_direct_channel",
    "create_group_channel",
    "view_members",
];

/// Permissions that every member of a team has in it.
const TEAM_USER: &[&str] = &[
    "view_team",
    "list_team_channels",
    "join_public_channels",
    "read_public_channel",
    "create_public_channel",
    "create_private_channel",
    "add_user_to_team",
];

/// Permissions that every member of a channel has in it.
const CHANNEL_USER: &[&str] = &[
    "read_channel",
    "read_channel_content",
    "create_post",
    "edit_post",
    "delete_post",
    "add_reaction",
    "remove_reaction",
    "upload_file",
    "use_channel_mentions",
    "manage_public_channel_members",
    "manage_private_channel_members",
];

/// Permissions to archive channels, which administrators have: restoring one is part of `manage_team`.
const ARCHIVING: &[&str] = &["delete_public_channel", "delete_private_channel"];

/// Permissions that only system admins have.
const SYSTEM_ADMIN: &[&str] = &[
    "manage_system",
    "manage_roles",
    "manage_team",
    "manage_team_roles",
    "edit_other_users",
    "edit_others_posts",
    "delete_others_posts",
    "remove_others_reactions",
    "create_bot",
    "read_bots",
    "manage_bots",
    "read_others_bots",
    "manage_others_bots",
    "create_user_access_token",
    "read_user_access_token",
    "revoke_user_access_token",
    "manage_others_incoming_webhooks",
];

/// Permissions to set up integrations, which administrators of teams have.
const INTEGRATIONS: &[&str] = &["manage_incoming_webhooks", "manage_slash_commands"];

/// The permissions of a role that cannot be granted or taken, by what they come from.
fn fixed(role: Role) -> &'static [&'static [&'static str]] {
    match role {
        Role::SystemAdmin => &[
            SYSTEM_USER,
            TEAM_USER,
            CHANNEL_USER,
            ARCHIVING,
            INTEGRATIONS,
            SYSTEM_ADMIN,
        ],
        Role::SystemUser => &[SYSTEM_USER],
        Role::SystemSharedChannelManager | Role::SystemSecureConnectionManager => &[],
        Role::TeamUser => &[TEAM_USER],
        Role::TeamAdmin => &[
            ARCHIVING,
            INTEGRATIONS,
            &["manage_team", "manage_team_roles", "delete_others_posts"],
        ],
        Role::ChannelUser => &[CHANNEL_USER],
        Role::ChannelAdmin => &[ARCHIVING, &["delete_others_posts"]],
    }
}

/// Display name and description.
fn words(role: Role) -> (&'static str, &'static str) {
    match role {
        Role::SystemAdmin => ("System Admin", "Administers the workspace."),
        Role::SystemUser => ("User", "Everybody with an account."),
        Role::SystemSharedChannelManager => (
            "Shared Channel Manager",
            "Shares channels with connected workspaces.",
        ),
        Role::SystemSecureConnectionManager => (
            "Secure Connection Manager",
            "Manages the connections to other workspaces.",
        ),
        Role::TeamUser => ("Team Member", "Every member of a team."),
        Role::TeamAdmin => ("Team Admin", "Administers a team."),
        Role::ChannelUser => ("Channel Member", "Every member of a channel."),
        Role::ChannelAdmin => ("Channel Admin", "Administers a channel."),
    }
}

/// Whether a role follows from being a member or an admin of something.
fn is_scheme_managed(role: Role) -> bool {
    !matches!(
        role,
        Role::SystemSharedChannelManager | Role::SystemSecureConnectionManager
    )
}
