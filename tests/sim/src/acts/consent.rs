//! Answers the offer of a channel or, if none waits, changes whether administrators are asked first.

use causeway_kernel::command::{AnswerChannelInvitation, Command, PatchConnection};
use causeway_kernel::model::limits::CHANNEL_INVITATIONS_MAX;
use causeway_kernel::model::{ChannelInvitation, Connection};
use causeway_kernel::rows::id::ConnectionNo;
use causeway_kernel::rows::tx::Read;
use causeway_kernel::sharing::connection;

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;

pub(super) const SPEC: Spec = Spec {
    weight: 6,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Asks(ask),
    // A Mattermost server never asks.
    at_mattermost: |_| None,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let live = connection::all(scene.rows).into_iter();
    let live: Vec<_> = live.filter(|(_, row)| row.delete_at == 0).collect();
    let (no, row) = dice.pick(&live)?;
    let offered = scene
        .rows
        .prefix::<ChannelInvitation, _>(no, CHANNEL_INVITATIONS_MAX);
    match dice.pick(&offered) {
        Some(((_, channel), invitation)) => {
            let accept = dice.chance(700);
            let answer = if accept { "accepts" } else { "declines" };
            let name = &invitation.channel.name;
            let told = format!("the admin {answer} {name} of {}", row.name);
            let command = Command::AnswerChannelInvitation(AnswerChannelInvitation {
                connection: *no,
                channel: *channel,
                accept,
            });
            Some(scene.by_admin(command, told))
        }
        None => Some(change(scene, dice, *no, row)),
    }
}

fn change(
    scene: &Scene<'_>,
    dice: &mut Dice,
    connection: ConnectionNo,
    row: &Connection,
) -> Vec<Request> {
    let asks_first = dice.chance(500);
    let told = if asks_first {
        format!("channels of {} wait for the admin", row.name)
    } else {
        format!("channels of {} are taken at once", row.name)
    };
    let command = Command::PatchConnection(PatchConnection {
        connection,
        display_name: None,
        default_team_id: None,
        asks_first: Some(asks_first),
        keeps_removed: None,
    });
    scene.by_admin(command, told)
}
