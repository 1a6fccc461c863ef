//! Opens a direct channel.

use causeway_kernel::command::{Command, OpenDirectChannel};

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;

pub(super) const SPEC: Spec = Spec {
    weight: 3,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Asks(ask),
    at_mattermost: |_| None,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let (with, name) = scene.anybody(dice)?;
    let command = Command::OpenDirectChannel(OpenDirectChannel { with });
    let told = format!("{} opens a direct channel with {name}", scene.name());
    Some(scene.by_user(command, told))
}
