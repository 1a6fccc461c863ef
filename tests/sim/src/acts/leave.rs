//! Leaves a channel.

use causeway_kernel::command::{Command, RemoveChannelMember};

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;

pub(super) const SPEC: Spec = Spec {
    weight: 1,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Asks(ask),
    at_mattermost: |turn| turn.leave(),
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let shared = scene.channels(|channel| channel.shared);
    let (channel, row) = dice.pick(&shared)?;
    let command = Command::RemoveChannelMember(RemoveChannelMember {
        channel: *channel,
        user: scene.user,
    });
    let told = format!("{} leaves {}", scene.name(), row.name);
    Some(scene.by_user(command, told))
}
