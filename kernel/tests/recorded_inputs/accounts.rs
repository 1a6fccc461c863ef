//! Examples of the commands about accounts and roles that are newer than the first envelope.

use causeway_kernel::command::{
    Command, PatchRole, SetActive, SetBot, SetCustomStatus, SetPicture, SetRoles, SetTeamRoles,
};
use causeway_kernel::model::{Permission, Role};

use crate::examples::{TEAM, USER};

/// One of each, in the order in which they were recorded.
pub fn commands() -> Vec<Command> {
    vec![
        Command::SetPicture(SetPicture {
            user: USER,
            digest: "0f".repeat(32),
            size: 600,
            is_generated: true,
        }),
        Command::SetCustomStatus(SetCustomStatus {
            status: r#"{"emoji":"tea","text":"Tea"}"#.into(),
        }),
        Command::SetActive(SetActive {
            user: USER,
            is_active: true,
        }),
        Command::SetRoles(SetRoles {
            user: USER,
            roles: vec![Role::SystemUser, Role::SystemSecureConnectionManager],
        }),
        Command::SetTeamRoles(SetTeamRoles {
            team: TEAM,
            user: USER,
            is_admin: true,
            roles: Some(vec![Role::SystemSharedChannelManager]),
        }),
        Command::PatchRole(PatchRole {
            role: Role::TeamAdmin,
            permissions: vec![Permission::ManageSharedChannels],
        }),
        Command::SetBot(SetBot {
            user: USER,
            owner: USER,
            description: "runs builds".into(),
        }),
    ]
}
