//! Replies to a post.

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec, post};
use crate::dice::Dice;
use crate::mattermost::acts::Turn;

pub(super) const SPEC: Spec = Spec {
    weight: 20,
    weight_in_channel: 1,
    at_workspace: AtWorkspace::Asks(ask),
    at_mattermost,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let place = scene.place(dice)?;
    let roots = scene.posts(&place, |post| post.root.is_none());
    let (root, answered) = dice.pick(&roots)?;
    let message = scene.text(dice);
    let told = format!(
        "{} answers “{}” with “{message}”",
        scene.name(),
        answered.message
    );
    let new = post::plain(&place, Some(*root), message);
    Some(post::create(scene, &place, new, told))
}

fn at_mattermost(turn: &mut Turn<'_>) -> Option<String> {
    let visit = turn.visit()?;
    let (root, _) = turn.pick(&visit, |row| row.root.is_none())?;
    let text = turn.text();
    turn.write(&visit, Some(root), text.clone(), None);
    Some(format!("{} writes 1 times “{text}”", visit.name))
}
