//! The chapters about people: direct and group channels, offers and statuses, roles.

use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::command::{
    Command, ConfigureConnectedWorkspaces, OpenDirectChannel, OpenGroupChannel, PatchRole,
    SetRoles, SetTeamRoles, UnshareChannel,
};
use causeway_kernel::model::{
    Availability, ConnectedWorkspaces, LocalStatus, Permission, Role, Status, User,
};
use causeway_kernel::objects::direct::Participants;
use causeway_kernel::rows::id::{ChannelNo, TeamNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;

use super::chapters::LOUNGE;
use super::story::{FIRST, OPERATOR, Story};

/// Direct and group channels: with people here, with somebody there, refused there, and allowed.
pub fn write_directly(story: &mut Story) {
    let known = |story: &Story, side: usize| {
        let own = story.nodes[1 - side].rows.get::<User>(&UserNo(1)).unwrap();
        lookup::user(&story.nodes[side].rows, own.id.as_str())
    };
    let open = |with| Command::OpenDirectChannel(OpenDirectChannel { with });
    let carol = UserNo(2);
    // Each side knows whoever wrote in the shared channel.
    story.write(1, LOUNGE, "wonderful, says berta");
    for direct in [false, true] {
        for side in [0, 1] {
            let other = known(story, side).unwrap();
            let with = vec![carol, other];
            let group = Command::OpenGroupChannel(OpenGroupChannel { with });
            for command in [open(carol), open(other), group] {
                story.act(side, FIRST, command);
            }
            let people = Participants::of_direct(&story.nodes[side].rows, [UserNo(1), other]);
            let channel = people.unwrap().channel(&story.nodes[side].rows);
            if let Some(channel) = channel {
                story.write(side, channel, "wonderful, only for berta");
            }
            let settings = ConnectedWorkspaces {
                direct: true,
                ..ConnectedWorkspaces::default()
            };
            let allow = ConfigureConnectedWorkspaces { settings };
            if !direct {
                story.act(side, OPERATOR, Command::ConfigureConnectedWorkspaces(allow));
            }
        }
    }
}

/// Somebody gets roles, by which they may do something, and loses them again.
pub fn give_roles(story: &mut Story) {
    let carol = UserNo(2);
    let set = |roles: &[Role]| {
        let roles = roles.to_vec();
        Command::SetRoles(SetRoles { user: carol, roles })
    };
    let in_team = |roles: &[Role]| {
        Command::SetTeamRoles(SetTeamRoles {
            team: TeamNo(1),
            user: carol,
            is_admin: !roles.is_empty(),
            roles: Some(roles.to_vec()),
        })
    };
    let grant = |permissions: &[Permission]| {
        let (role, permissions) = (Role::TeamAdmin, permissions.to_vec());
        Command::PatchRole(PatchRole { role, permissions })
    };
    let by_carol = || {
        let nothing = UnshareChannel {
            channel: DEFAULT_CHANNEL,
        };
        (Actor::User(carol), Command::UnshareChannel(nothing))
    };
    for (actor, command) in [
        (FIRST, set(&[Role::SystemUser, Role::SystemAdmin])),
        (FIRST, set(&[Role::SystemUser])),
        by_carol(),
        (FIRST, in_team(&[Role::SystemSharedChannelManager])),
        by_carol(),
        (FIRST, in_team(&[])),
        (FIRST, grant(&[Permission::ManageSharedChannels])),
        by_carol(),
        (FIRST, grant(&[])),
    ] {
        story.act(0, actor, command);
    }
}

/// The default channel, which is shared with nobody.
const DEFAULT_CHANNEL: ChannelNo = ChannelNo(1);

/// People who are offered to the peer, and what their status is.
pub fn show(story: &mut Story) {
    for side in [0, 1] {
        let settings = ConnectedWorkspaces {
            direct: true,
            all_users: true,
            ..ConnectedWorkspaces::default()
        };
        let offer = ConfigureConnectedWorkspaces { settings };
        story.act(side, OPERATOR, Command::ConfigureConnectedWorkspaces(offer));
        let status = Status {
            availability: Availability::Dnd,
            ..Status::UNKNOWN
        };
        let user = UserNo(1);
        story.settle(side, Input::Statuses(vec![LocalStatus { user, status }]));
        story.wait(70_000);
    }
}
