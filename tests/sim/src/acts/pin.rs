//! Pins or unpins a post.

use causeway_kernel::command::{Command, EditPost};

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;
use crate::mattermost::acts::{Turn, Visit};
use crate::mattermost::quirks::Generation;

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
    if turn.server.generation == Generation::Of11 && turn.dice.chance(400) {
        return acknowledge(turn, &visit);
    }
    let (id, mut row) = turn.pick(&visit, |row| !row.is_remote)?;
    row.is_pinned = !row.is_pinned;
    row.update_at = turn.clock_ms();
    let told = format!("{} sets the pin of “{}”", visit.name, row.message);
    turn.put_post(id, row);
    Some(told)
}

/// Instead of that, a user of the 11 line may acknowledge a post: an act that workspaces lack.
fn acknowledge(turn: &mut Turn<'_>, visit: &Visit) -> Option<String> {
    let (id, row) = turn.pick(visit, |_| true)?;
    turn.server.acknowledge(turn.now_ms, id, visit.user);
    Some(format!("{} acknowledges “{}”", visit.name, row.message))
}
