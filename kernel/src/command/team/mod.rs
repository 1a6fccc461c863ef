//! Teams and their members.

mod add_member;
mod create;
mod patch;
mod remove_member;
mod set_roles;

pub use add_member::AddTeamMember;
pub use create::CreateTeam;
pub use patch::{ArchiveTeam, PatchTeam, RestoreTeam, TeamPatch};
pub use remove_member::RemoveTeamMember;
pub use set_roles::SetTeamRoles;

use crate::boundary::output::Refusal;
use crate::command::notice;
use crate::objects::members;
use crate::rows::id::{ChannelNo, TeamNo, UserNo};
use crate::rows::lookup;
use crate::rows::tx::Tx;

/// The channel that nobody can leave.
pub const DEFAULT_CHANNEL: &str = "town-square";
/// The channels of every new team, with their display names; everybody joins them.
pub const DEFAULT_CHANNELS: [(&str, &str); 2] =
    [(DEFAULT_CHANNEL, "Town Square"), ("off-topic", "Off-Topic")];

fn join(tx: &mut Tx<'_>, team: TeamNo, user: UserNo, by: Option<UserNo>, is_admin: bool) {
    members::join_team(tx, team, user, is_admin);
    for (name, _) in DEFAULT_CHANNELS {
        let Some(channel) = lookup::channel_name(tx, team, name) else {
            continue;
        };
        if members::join_channel(tx, channel, user, is_admin) {
            announce(tx, channel, name, user, by);
        }
    }
}

fn announce(tx: &mut Tx<'_>, channel: ChannelNo, name: &str, user: UserNo, by: Option<UserNo>) {
    match (by, name == DEFAULT_CHANNEL) {
        (None, true) => notice::joined_team(tx, channel, user),
        (None, false) => notice::joined_channel(tx, channel, user),
        (Some(by), true) => notice::added_to_team(tx, channel, user, by),
        (Some(by), false) => notice::added_to_channel(tx, channel, user, by),
    }
}

fn missing() -> Refusal {
    Refusal::new(
        404,
        "app.team.get.find.app_error",
        "Unable to find the team.",
    )
}
