//! Leaves the team and all its channels, or joins it again.

use causeway_kernel::authority;
use causeway_kernel::command::{AddTeamMember, Command, RemoveTeamMember};

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;
use crate::world::setup::ADMIN;

pub(super) const SPEC: Spec = Spec {
    weight: 1,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Asks(ask),
    // It is the same as leaving each of its channels, which is an act of its own.
    at_mattermost: |_| None,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let rooms = scene.channels(|channel| channel.place.team().is_some());
    let team = dice.pick(&rooms)?.1.place.team()?;
    let user = scene.user;
    // Who made the connections becomes the first member of each channel that is offered, and of its team.
    if user == ADMIN {
        return None;
    }
    let (command, told) = if authority::is_team_member(scene.rows, team, user) {
        let command = Command::RemoveTeamMember(RemoveTeamMember { team, user });
        (command, format!("{} leaves the team", scene.name()))
    } else {
        let command = Command::AddTeamMember(AddTeamMember { team, user });
        (
            command,
            format!("the admin adds {} to the team", scene.name()),
        )
    };
    Some(scene.by_admin(command, told))
}
