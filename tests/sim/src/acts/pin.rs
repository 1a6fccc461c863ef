//! Pins or unpins a post.

use causeway_kernel::command::{Command, EditPost};

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;
use crate::mattermost::acts::Turn;

pub(super) const SPEC: Spec = Spec {
    weight: 4,
    weight_in_channel: 1,
    at_workspace: AtWorkspace::Asks(ask),
    at_mattermost,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let place = scene.place(dice)?;
    let live = scene.posts(&place, |_| true);
    let (post, old) = dice.pick(&live)?;
    let pin = !old.is_pinned;
    let told = format!(
        "{} sets the pin of “{}” to {pin}",
        scene.name(),
        old.message
    );
    let command = Command::EditPost(EditPost {
        post: *post,
        message: None,
        props: None,
        is_pinned: Some(pin),
    });
    Some(scene.in_place(&place, command, told))
}

fn at_mattermost(turn: &mut Turn<'_>) -> Option<String> {
    let visit = turn.visit()?;
    let (id, mut row) = turn.pick(&visit, |row| !row.is_remote)?;
    row.is_pinned = !row.is_pinned;
    row.update_at = turn.clock_ms();
    let told = format!("{} sets the pin of “{}”", visit.name, row.message);
    turn.put_post(id, row);
    Some(told)
}
