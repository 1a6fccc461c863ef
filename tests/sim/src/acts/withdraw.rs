//! Withdraws the acknowledgement of a post.

use causeway_kernel::command::{Command, WithdrawAcknowledgement};

use super::acknowledge::acknowledged;
use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;
use crate::frames::ACKNOWLEDGED;
use crate::mattermost::acts::Turn;

pub(super) const SPEC: Spec = Spec {
    weight: 5,
    weight_in_channel: 1,
    at_workspace: AtWorkspace::Asks(ask),
    at_mattermost,
};

/// If it is too old by now, the workspace refuses and nothing changes.
fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let (place, post, text) = dice.pick(&acknowledged(scene, true))?.clone();
    let told = format!("{} withdraws the acknowledgement of “{text}”", scene.name());
    let command = Command::WithdrawAcknowledgement(WithdrawAcknowledgement { post });
    Some(scene.in_place(&place, command, told))
}

fn at_mattermost(turn: &mut Turn<'_>) -> Option<String> {
    let visit = turn.visit()?;
    let key = turn.given(&visit, |emoji| emoji == ACKNOWLEDGED)?;
    turn.server.react(turn.now_ms, key, false)?;
    Some(format!("{} withdraws an acknowledgement", visit.name))
}
