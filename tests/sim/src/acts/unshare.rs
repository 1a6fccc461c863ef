//! Ends the sharing of a channel.

use causeway_kernel::command::{Command, UnshareChannel};

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;

pub(super) const SPEC: Spec = Spec {
    weight: 1,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Asks(ask),
    at_mattermost: |turn| turn.unshare(),
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let shared = scene.channels(|channel| channel.shared);
    let (channel, row) = dice.pick(&shared)?;
    let command = Command::UnshareChannel(UnshareChannel { channel: *channel });
    Some(scene.by_admin(command, format!("the admin unshares {}", row.name)))
}
