//! Reacts to a post.

use causeway_kernel::command::{AddReaction, Command};

use super::scene::{Request, Scene};
use super::{AtWorkspace, EMOJI, Spec};
use crate::dice::Dice;
use crate::mattermost::acts::Turn;

pub(super) const SPEC: Spec = Spec {
    weight: 14,
    weight_in_channel: 1,
    at_workspace: AtWorkspace::Asks(ask),
    at_mattermost,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let place = scene.place(dice)?;
    let live = scene.posts(&place, |_| true);
    let (post, old) = dice.pick(&live)?;
    let emoji = (*dice.pick(&EMOJI)?).to_string();
    let told = format!("{} reacts to “{}” with {emoji}", scene.name(), old.message);
    let command = Command::AddReaction(AddReaction { post: *post, emoji });
    Some(scene.in_place(&place, command, told))
}

fn at_mattermost(turn: &mut Turn<'_>) -> Option<String> {
    let visit = turn.visit()?;
    let (id, row) = turn.pick(&visit, |_| true)?;
    let emoji = (*turn.dice.pick(&EMOJI)?).to_string();
    let key = (id, visit.user, emoji.clone());
    turn.server.react(turn.now_ms, key, true)?;
    Some(format!(
        "{} reacts to “{}” with {emoji}",
        visit.name, row.message
    ))
}
