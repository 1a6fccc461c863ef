//! Deletes somebody else's post, as an administrator.

use causeway_kernel::command::{Command, DeletePost};

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;
use crate::mattermost::acts::Turn;
use crate::world::setup::ADMIN;

pub(super) const SPEC: Spec = Spec {
    weight: 2,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Asks(ask),
    at_mattermost,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let place = scene.place(dice)?;
    let others = scene.posts(&place, |post| post.user != ADMIN);
    let (post, old) = dice.pick(&others)?;
    let told = format!("the admin deletes “{}”", old.message);
    let request = scene.request(ADMIN, Command::DeletePost(DeletePost { post: *post }), told);
    Some(scene.after_joining(&place, request))
}

fn at_mattermost(turn: &mut Turn<'_>) -> Option<String> {
    let visit = turn.visit()?;
    let (id, row) = turn.pick(&visit, |row| row.is_remote)?;
    turn.server.delete(turn.now_ms, id);
    Some(format!("the admin deletes “{}”", row.message))
}
