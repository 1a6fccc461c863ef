//! Opens a group channel.

use causeway_kernel::command::{Command, OpenGroupChannel};

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;

pub(super) const SPEC: Spec = Spec {
    weight: 2,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Asks(ask),
    at_mattermost: |_| None,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let [one, other] = [scene.anybody(dice)?, scene.anybody(dice)?];
    let command = Command::OpenGroupChannel(OpenGroupChannel {
        with: vec![one.0, other.0],
    });
    let told = format!(
        "{} opens a group channel with {} and {}",
        scene.name(),
        one.1,
        other.1
    );
    Some(scene.by_user(command, told))
}
