use serde::{Deserialize, Serialize};

use crate::boundary::texts::{no_texts, texts};
use crate::rows::id::Id;

/// A role. Rows and commands encode it by its position, so a new one is added at the end. Client API §13.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Role {
    /// Administers the system.
    SystemAdmin,
    /// Everybody of this workspace.
    SystemUser,
    /// Shares channels: of every team as a role of the system, of one team as a role in that team.
    SystemSharedChannelManager,
    /// Manages the secure connections.
    SystemSecureConnectionManager,
    /// Every member of a team.
    TeamUser,
    /// Administers a team.
    TeamAdmin,
    /// Every member of a channel.
    ChannelUser,
    /// Administers a channel.
    ChannelAdmin,
}

/// What a role is given in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleScope {
    /// The whole workspace.
    System,
    /// One team.
    Team,
    /// One channel.
    Channel,
}

impl Role {
    /// Every role, in their order.
    pub const ALL: &'static [Role] = &[
        Role::SystemAdmin,
        Role::SystemUser,
        Role::SystemSharedChannelManager,
        Role::SystemSecureConnectionManager,
        Role::TeamUser,
        Role::TeamAdmin,
        Role::ChannelUser,
        Role::ChannelAdmin,
    ];

    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Role::SystemAdmin => "system_admin",
            Role::SystemUser => "system_user",
            Role::SystemSharedChannelManager => "system_shared_channel_manager",
            Role::SystemSecureConnectionManager => "system_secure_connection_manager",
            Role::TeamUser => "team_user",
            Role::TeamAdmin => "team_admin",
            Role::ChannelUser => "channel_user",
            Role::ChannelAdmin => "channel_admin",
        }
    }

    /// The role of a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Role> {
        Role::ALL.iter().copied().find(|role| role.name() == name)
    }

    /// Its id, which follows from its name and is the same in every workspace.
    #[must_use]
    pub fn id(self) -> Id {
        let mut bytes = [0; 16];
        blake3::Hasher::new_derive_key("causeway id of a role")
            .update(self.name().as_bytes())
            .finalize_xof()
            .fill(&mut bytes);
        Id::from_uuid_bytes(bytes)
    }

    /// The key of its row.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// What it is given in.
    #[must_use]
    pub const fn scope(self) -> RoleScope {
        match self {
            Role::SystemAdmin
            | Role::SystemUser
            | Role::SystemSharedChannelManager
            | Role::SystemSecureConnectionManager => RoleScope::System,
            Role::TeamUser | Role::TeamAdmin => RoleScope::Team,
            Role::ChannelUser | Role::ChannelAdmin => RoleScope::Channel,
        }
    }

    /// Whether it can also be given to a member of a team: what it grants then counts in that team alone.
    #[must_use]
    pub const fn is_explicit_in_teams(self) -> bool {
        matches!(self, Role::SystemSharedChannelManager)
    }

    /// Whether it has a permission as long as nobody has changed that.
    #[must_use]
    pub const fn has_by_default(self, permission: Permission) -> bool {
        match permission {
            Permission::ManageSecureConnections => {
                matches!(
                    self,
                    Role::SystemAdmin | Role::SystemSecureConnectionManager
                )
            }
            Permission::ManageSharedChannels => {
                matches!(self, Role::SystemAdmin | Role::SystemSharedChannelManager)
            }
        }
    }

    /// Whether a permission can be granted to it and taken from it. What a system admin may do is fixed, and
    /// connections belong to no team and no channel.
    #[must_use]
    pub fn is_open_to(self, permission: Permission) -> bool {
        let fits = match permission {
            Permission::ManageSecureConnections => self.scope() == RoleScope::System,
            Permission::ManageSharedChannels => true,
        };
        fits && self != Role::SystemAdmin
    }
}

/// A permission that is granted through roles. Encoded by position, like [`Role`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Permission {
    /// Create, accept, edit and remove connections to other workspaces.
    ManageSecureConnections,
    /// Share channels over them.
    ManageSharedChannels,
}

impl Permission {
    /// Every permission, in their order.
    pub const ALL: &'static [Permission] = &[
        Permission::ManageSecureConnections,
        Permission::ManageSharedChannels,
    ];

    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Permission::ManageSecureConnections => "manage_secure_connections",
            Permission::ManageSharedChannels => "manage_shared_channels",
        }
    }

    /// The permission of a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Permission> {
        Permission::ALL
            .iter()
            .copied()
            .find(|permission| permission.name() == name)
    }
}

/// The permissions of a role whose permissions were changed. Key: the role's number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolePermissions {
    /// When they were last changed, in ms.
    pub update_at: i64,
    /// All that it has, sorted.
    pub permissions: Vec<Permission>,
}
texts!(struct RolePermissions { update_at, permissions });

/// Roles of a member of a team besides those that every member or admin of a team has. Key: (team, user).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamRoles {
    /// The roles, sorted; never empty.
    pub roles: Vec<Role>,
}
texts!(struct TeamRoles { roles });

/// An active system admin. Key: the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemAdmin;

no_texts!(Role, Permission, SystemAdmin);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_numbers_and_ids_stand_for_one_role_each() {
        for (place, role) in Role::ALL.iter().enumerate() {
            assert_eq!(usize::from(role.number()), place);
            assert_eq!(Role::by_name(role.name()), Some(*role));
            let same_id = Role::ALL.iter().filter(|it| it.id() == role.id());
            assert_eq!(same_id.count(), 1);
        }
        assert_eq!(Role::by_name("system_guest"), None);
        for permission in Permission::ALL {
            assert_eq!(Permission::by_name(permission.name()), Some(*permission));
            assert!(Role::SystemAdmin.has_by_default(*permission));
            assert!(!Role::SystemAdmin.is_open_to(*permission));
        }
    }
}
