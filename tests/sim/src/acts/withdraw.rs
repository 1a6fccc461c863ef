//! Withdraws the acknowledgement of a post.

use causeway_kernel::command::{Command, WithdrawAcknowledgement};
use causeway_kernel::model::Acknowledgement;
use causeway_kernel::rows::id::PostNo;
use causeway_kernel::rows::tx::Read;

use super::scene::{Place, Request, Scene};
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
    let place = scene.place(dice)?;
    let post = *dice.pick(&given(scene, &place))?;
    let text = scene.text_of(post);
    let told = format!("{} withdraws the acknowledgement of “{text}”", scene.name());
    let command = Command::WithdrawAcknowledgement(WithdrawAcknowledgement { post });
    Some(scene.in_place(&place, command, told))
}

/// The newest posts of a channel that the user has acknowledged.
fn given(scene: &Scene<'_>, place: &Place) -> Vec<PostNo> {
    let stands = |no: &PostNo| {
        let row = scene.rows.get::<Acknowledgement>(&(*no, scene.user));
        row.is_some_and(|row| row.acknowledged_at != 0)
    };
    let posts = scene.posts(place, |_| true).into_iter();
    posts.map(|(no, _)| no).filter(stands).collect()
}

fn at_mattermost(turn: &mut Turn<'_>) -> Option<String> {
    let visit = turn.visit()?;
    let key = turn.given(&visit, |emoji| emoji == ACKNOWLEDGED)?;
    turn.server.react(turn.now_ms, key, false)?;
    Some(format!("{} withdraws an acknowledgement", visit.name))
}
