//! Acknowledges a post.

use causeway_kernel::command::{AcknowledgePost, Command};

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;
use crate::frames::ACKNOWLEDGED;
use crate::mattermost::acts::Turn;
use crate::mattermost::quirks::Generation;

pub(super) const SPEC: Spec = Spec {
    weight: 8,
    weight_in_channel: 1,
    at_workspace: AtWorkspace::Asks(ask),
    at_mattermost,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let place = scene.place(dice)?;
    let live = scene.posts(&place, |_| true);
    let (post, old) = dice.pick(&live)?;
    let told = format!("{} acknowledges “{}”", scene.name(), old.message);
    let command = Command::AcknowledgePost(AcknowledgePost { post: *post });
    Some(scene.in_place(&place, command, told))
}

fn at_mattermost(turn: &mut Turn<'_>) -> Option<String> {
    if turn.server.generation == Generation::Of2021 {
        return None;
    }
    let visit = turn.visit()?;
    let (id, row) = turn.pick(&visit, |_| true)?;
    let key = (id, visit.user, ACKNOWLEDGED.to_string());
    turn.server.react(turn.now_ms, key, true)?;
    Some(format!("{} acknowledges “{}”", visit.name, row.message))
}
