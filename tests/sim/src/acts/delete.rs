//! Deletes one of the user's own posts.

use causeway_kernel::command::{Command, DeletePost};

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;
use crate::mattermost::acts::Turn;

pub(super) const SPEC: Spec = Spec {
    weight: 5,
    weight_in_channel: 1,
    at_workspace: AtWorkspace::Asks(ask),
    at_mattermost,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let place = scene.place(dice)?;
    let own = scene.posts(&place, |post| post.user == scene.user);
    let (post, old) = dice.pick(&own)?;
    let told = format!("{} deletes “{}”", scene.name(), old.message);
    Some(scene.in_place(
        &place,
        Command::DeletePost(DeletePost { post: *post }),
        told,
    ))
}

fn at_mattermost(turn: &mut Turn<'_>) -> Option<String> {
    let visit = turn.visit()?;
    let (id, row) = turn.pick(&visit, |row| row.user == visit.user)?;
    turn.server.delete(turn.now_ms, id);
    Some(format!("{} deletes “{}”", visit.name, row.message))
}
