//! Permissions that are granted through roles.

use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::Refusal;
use crate::model::limits::CHANNELS_PER_USER_MAX;
use crate::model::{
    ChannelMember, Permission, Role, RolePermissions, RoleScope, TeamMember, TeamRoles,
    UserChannel, UserTeam,
};
use crate::rows::id::{ChannelNo, TeamNo, UserNo};
use crate::rows::tx::Read;

/// Where a permission is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// In the whole workspace.
    System,
    /// In a team.
    Team(TeamNo),
    /// In a channel.
    Channel(ChannelNo),
}

/// The permissions that a role has now, sorted.
pub fn permissions_of(rows: &(impl Read + ?Sized), role: Role) -> Vec<Permission> {
    match rows.get::<RolePermissions>(&role.number()) {
        Some(row) => row.permissions,
        None => Permission::ALL
            .iter()
            .copied()
            .filter(|permission| role.has_by_default(*permission))
            .collect(),
    }
}

/// Whether a user has a permission: through a role of the system, or one in the team or channel. Deactivated users
/// and users of other workspaces have none.
pub fn holds(
    rows: &(impl Read + ?Sized),
    user: UserNo,
    permission: Permission,
    within: Within,
) -> bool {
    let Some(row) = rows.user(user) else {
        return false;
    };
    if !row.origin.is_ours() || row.delete_at != 0 {
        return false;
    }
    let grants = |role: &Role| permissions_of(rows, *role).contains(&permission);
    let of_system = row.roles.split(' ').filter_map(Role::by_name);
    of_system
        .filter(|role| role.scope() == RoleScope::System)
        .any(|role| grants(&role))
        || match within {
            Within::System => false,
            Within::Team(team) => roles_in_team(rows, team, user).iter().any(grants),
            Within::Channel(channel) => roles_in_channel(rows, channel, user).iter().any(grants),
        }
}

/// A user's roles in a team; none if they are not a member.
pub fn roles_in_team(rows: &(impl Read + ?Sized), team: TeamNo, user: UserNo) -> Vec<Role> {
    let member = rows.get::<TeamMember>(&(team, user));
    let Some(member) = member.filter(|member| member.delete_at == 0) else {
        return Vec::new();
    };
    let mut roles = vec![Role::TeamUser];
    if member.is_admin {
        roles.push(Role::TeamAdmin);
    }
    roles.extend(explicit_roles(rows, team, user));
    roles
}

/// The roles that a member of a team was given besides those of every member or admin.
pub fn explicit_roles(rows: &(impl Read + ?Sized), team: TeamNo, user: UserNo) -> Vec<Role> {
    rows.get::<TeamRoles>(&(team, user))
        .map(|row| row.roles)
        .unwrap_or_default()
}

/// A user's roles in a channel and in the team that it is in.
fn roles_in_channel(rows: &(impl Read + ?Sized), channel: ChannelNo, user: UserNo) -> Vec<Role> {
    let team = rows
        .channel(channel)
        .and_then(|channel| channel.place.team());
    let mut roles = team.map_or_else(Vec::new, |team| roles_in_team(rows, team, user));
    if let Some(member) = rows.get::<ChannelMember>(&(channel, user)) {
        roles.push(Role::ChannelUser);
        if member.is_admin {
            roles.push(Role::ChannelAdmin);
        }
    }
    roles
}

/// Requires that an actor may manage the secure connections.
pub fn require_connections(rows: &(impl Read + ?Sized), actor: Actor) -> Result<(), Refusal> {
    let may = |user| manages_connections(rows, user);
    require(rows, actor, may)
}

/// Whether a user may manage the secure connections.
pub fn manages_connections(rows: &(impl Read + ?Sized), user: UserNo) -> bool {
    holds(
        rows,
        user,
        Permission::ManageSecureConnections,
        Within::System,
    )
}

/// Requires that an actor may share a channel, and end its sharing.
pub fn require_sharing(
    rows: &(impl Read + ?Sized),
    actor: Actor,
    channel: ChannelNo,
) -> Result<(), Refusal> {
    let may = |user| may_share(rows, channel, user);
    require(rows, actor, may)
}

/// Whether a user may share a channel, and end its sharing. Only system admins may do so with a channel that they may
/// not read: nobody else discloses what they do not see.
pub fn may_share(rows: &(impl Read + ?Sized), channel: ChannelNo, user: UserNo) -> bool {
    if authority::is_system_admin(rows, user) {
        return true;
    }
    let within = Within::Channel(channel);
    holds(rows, user, Permission::ManageSharedChannels, within)
        && authority::may_read_channel(rows, channel, user)
}

/// Whether a user may share some channel: who may see which connections there are. Only a limited number of their
/// teams and channels is looked at.
pub fn may_share_something(rows: &(impl Read + ?Sized), user: UserNo) -> bool {
    let permission = Permission::ManageSharedChannels;
    if holds(rows, user, permission, Within::System) {
        return true;
    }
    let has = |role: &Role| permissions_of(rows, *role).contains(&permission);
    let teams = rows.prefix::<UserTeam, _>(&user, CHANNELS_PER_USER_MAX);
    let mut teams = teams.into_iter().map(|((_, team), _)| team);
    if teams.any(|team| holds(rows, user, permission, Within::Team(team))) {
        return true;
    }
    if ![Role::ChannelUser, Role::ChannelAdmin].iter().any(has) {
        return false;
    }
    let channels = rows.prefix::<UserChannel, _>(&user, CHANNELS_PER_USER_MAX);
    let mut channels = channels.into_iter().map(|((_, channel), _)| channel);
    channels.any(|channel| may_share(rows, channel, user))
}

/// Whether a user may see which connections there are.
pub fn sees_connections(rows: &(impl Read + ?Sized), user: UserNo) -> bool {
    manages_connections(rows, user) || may_share_something(rows, user)
}

fn require(
    rows: &(impl Read + ?Sized),
    actor: Actor,
    may: impl Fn(UserNo) -> bool,
) -> Result<(), Refusal> {
    let may = match actor {
        Actor::System => true,
        Actor::Anonymous => false,
        Actor::User(_) => authority::acting_user(rows, actor).is_ok_and(may),
    };
    if may {
        Ok(())
    } else {
        Err(Refusal::forbidden())
    }
}
