//! Ends the sharing of a channel with a peer.

use causeway_kernel::command::{Command, UninviteFromChannel};
use causeway_kernel::model::{Channel, Link, LinkState};
use causeway_kernel::rows::tx::Read;

use super::scene::{CHANNELS_MAX, Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;

pub(super) const SPEC: Spec = Spec {
    weight: 1,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Asks(ask),
    // It has only one peer.
    at_mattermost: |turn| turn.unshare(),
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let links = scene.rows.prefix::<Link, ()>(&(), CHANNELS_MAX);
    let live: Vec<_> = links
        .into_iter()
        .filter(|(_, link)| link.state != LinkState::Ended)
        .collect();
    let ((channel, connection), _) = *dice.pick(&live)?;
    let row = scene.rows.get::<Channel>(&channel);
    let name = row.map(|row| row.name).unwrap_or_default();
    let command = Command::UninviteFromChannel(UninviteFromChannel {
        channel,
        connection,
    });
    let told = format!("the admin ends the sharing of {name} with the peer");
    Some(scene.by_admin(command, told))
}
