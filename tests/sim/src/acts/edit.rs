//! Changes the text of one of the user's own posts.

use causeway_kernel::command::{Command, EditPost};

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec};
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
    let own = scene.posts(&place, |post| post.user == scene.user);
    let (post, old) = dice.pick(&own)?;
    let message = scene.text(dice);
    let told = format!("{} changes “{}” to “{message}”", scene.name(), old.message);
    let command = Command::EditPost(EditPost {
        post: *post,
        message: Some(message),
        props: None,
        is_pinned: None,
    });
    Some(scene.in_place(&place, command, told))
}

fn at_mattermost(turn: &mut Turn<'_>) -> Option<String> {
    let visit = turn.visit()?;
    let (id, mut row) = turn.pick(&visit, |row| row.user == visit.user)?;
    let text = turn.text();
    let told = format!("{} changes “{}” to “{text}”", visit.name, row.message);
    row.message = text;
    row.edit_at = turn.clock_ms();
    row.update_at = row.edit_at;
    turn.put_post(id, row);
    Some(told)
}
