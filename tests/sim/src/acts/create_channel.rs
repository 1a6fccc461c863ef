//! Creates a channel.

use causeway_kernel::command::{Command, CreateChannel};
use causeway_kernel::model::ChannelKind;

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec, channel_name};
use crate::dice::Dice;
use crate::mattermost::acts::Turn;
use crate::world::setup::TEAM;

pub(super) const SPEC: Spec = Spec {
    weight: 1,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Asks(ask),
    at_mattermost,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let name = channel_name(scene.number, dice);
    let command = Command::CreateChannel(CreateChannel {
        team: TEAM,
        display_name: name.clone(),
        name,
        header: String::new(),
        purpose: String::new(),
        kind: ChannelKind::Public,
    });
    Some(scene.by_admin(command, "the admin makes a channel".to_string()))
}

fn at_mattermost(turn: &mut Turn<'_>) -> Option<String> {
    let name = channel_name(turn.number, turn.dice);
    Some(if turn.server.create_channel(&name) {
        format!("the admin makes {name}")
    } else {
        format!("the admin fails to make {name} again")
    })
}
