//! Archives a channel, or restores an archived one.

use causeway_kernel::command::{ArchiveChannel, Command, RestoreChannel};

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;

pub(super) const SPEC: Spec = Spec {
    weight: 1,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Asks(ask),
    // What it means elsewhere that a Mattermost server archives a channel: nothing, it is not told.
    at_mattermost: |_| None,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let archived = scene.channels(|channel| channel.delete_at != 0);
    let (channel, row) = match dice.pick(&archived) {
        Some(archived) => archived.clone(),
        None => {
            let rooms = scene.channels(|channel| channel.name.starts_with("room"));
            dice.pick(&rooms)?.clone()
        }
    };
    let name = &row.name;
    let (command, told) = if row.delete_at == 0 {
        let command = Command::ArchiveChannel(ArchiveChannel { channel });
        (command, format!("the admin archives {name}"))
    } else {
        let command = Command::RestoreChannel(RestoreChannel { channel });
        (command, format!("the admin restores {name}"))
    };
    Some(scene.by_admin(command, told))
}
