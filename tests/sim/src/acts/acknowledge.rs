//! Acknowledges a post.

use causeway_kernel::command::{AcknowledgePost, Command};
use causeway_kernel::model::{Acknowledgement, Post};
use causeway_kernel::rows::id::PostNo;
use causeway_kernel::rows::tx::Read;

use super::scene::{Place, Request, Scene};
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
    // A user who withdrew sometimes acknowledges again: servers differ in how they handle that.
    let withdrawn = acknowledged(scene, false);
    let (place, post, text) = match dice.pick(&withdrawn) {
        Some((place, post, text)) if dice.chance(600) => (place.clone(), *post, text.clone()),
        _ => {
            let place = scene.place(dice)?;
            let live = scene.posts(&place, |_| true);
            let (post, row) = dice.pick(&live)?;
            (place, *post, row.message.clone())
        }
    };
    let told = format!("{} acknowledges “{text}”", scene.name());
    let command = Command::AcknowledgePost(AcknowledgePost { post });
    Some(scene.in_place(&place, command, told))
}

/// The newest posts of shared channels whose acknowledgement by the user stands, or was withdrawn, with their texts.
pub(super) fn acknowledged(scene: &Scene<'_>, stands: bool) -> Vec<(Place, PostNo, String)> {
    let is_wanted = |(post, _): &(PostNo, Post)| {
        let row = scene.rows.get::<Acknowledgement>(&(*post, scene.user));
        row.is_some_and(|row| (row.acknowledged_at != 0) == stands)
    };
    let mut found = Vec::new();
    for (channel, row) in scene.channels(|channel| channel.shared) {
        let place = Place {
            channel,
            name: row.name,
        };
        let posts = scene.posts(&place, |_| true).into_iter();
        let posts = posts.filter(is_wanted);
        found.extend(posts.map(|(post, row)| (place.clone(), post, row.message)));
    }
    found
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
