//! Renames a channel, changes its header, or makes it private or public.

use causeway_kernel::command::{ChannelPatch, Command, ConvertChannel, PatchChannel};
use causeway_kernel::model::ChannelKind;

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;

pub(super) const SPEC: Spec = Spec {
    weight: 2,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Asks(ask),
    // What it means elsewhere that a Mattermost server changes a channel: nothing, it is not told.
    at_mattermost: |_| None,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let rooms = scene.channels(|channel| channel.name.starts_with("room"));
    let (channel, row) = dice.pick(&rooms)?.clone();
    let name = &row.name;
    let kind = match row.place.public_in() {
        Some(_) => ChannelKind::Private,
        None => ChannelKind::Public,
    };
    let mut patch = ChannelPatch::default();
    let (command, told) = match dice.below(3) {
        0 => {
            patch.name = Some(format!("room-n{}", scene.number));
            let told = format!("the admin renames {name} to room-n{}", scene.number);
            (Command::PatchChannel(PatchChannel { channel, patch }), told)
        }
        1 => {
            patch.header = Some(scene.text(dice));
            let told = format!("the admin changes the header of {name}");
            (Command::PatchChannel(PatchChannel { channel, patch }), told)
        }
        _ => {
            let told = format!("the admin makes {name} {}", kind.letter());
            let command = ConvertChannel { channel, kind };
            (Command::ConvertChannel(command), told)
        }
    };
    Some(scene.by_admin(command, told))
}
