//! Removes a reaction.

use causeway_kernel::command::{Command, RemoveReaction};
use causeway_kernel::model::Reaction;
use causeway_kernel::rows::id::PostNo;
use causeway_kernel::rows::tx::Read;

use super::scene::{CHOICE, Place, Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;
use crate::frames::ACKNOWLEDGED;
use crate::mattermost::acts::Turn;

pub(super) const SPEC: Spec = Spec {
    weight: 6,
    weight_in_channel: 1,
    at_workspace: AtWorkspace::Asks(ask),
    at_mattermost,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let place = scene.place(dice)?;
    let (post, emoji) = dice.pick(&given(scene, &place))?.clone();
    let told = format!(
        "{} takes back {emoji} from “{}”",
        scene.name(),
        scene.text_of(post)
    );
    let user = scene.user;
    let command = Command::RemoveReaction(RemoveReaction { post, user, emoji });
    Some(scene.in_place(&place, command, told))
}

/// The user's reactions to the newest posts of a channel.
fn given(scene: &Scene<'_>, place: &Place) -> Vec<(PostNo, String)> {
    let mut found = Vec::new();
    let posts = scene.newest(place).into_iter();
    for (no, _) in posts.filter(|(_, post)| post.delete_at == 0) {
        let given = scene.rows.prefix::<Reaction, _>(&(no, scene.user), CHOICE);
        let live = given.into_iter().filter(|(_, row)| row.delete_at == 0);
        found.extend(live.map(|((post, _, emoji), _)| (post, emoji)));
    }
    found
}

fn at_mattermost(turn: &mut Turn<'_>) -> Option<String> {
    let visit = turn.visit()?;
    let key = turn.given(&visit, |emoji| emoji != ACKNOWLEDGED)?;
    let told = format!("{} takes {} back", visit.name, key.2);
    turn.server.react(turn.now_ms, key, false)?;
    Some(told)
}
