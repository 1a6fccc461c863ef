//! Changes the user name or nickname.

use causeway_kernel::command::{Command, PatchUser, UserPatch};

use super::scene::{Request, Scene};
use super::{AtWorkspace, NAMES, Spec};
use crate::dice::Dice;
use crate::mattermost::acts::Turn;

pub(super) const SPEC: Spec = Spec {
    weight: 4,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Asks(ask),
    at_mattermost,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let mut patch = UserPatch::default();
    let told = if dice.chance(500) {
        let new = (*dice.pick(&NAMES)?).to_string();
        let told = format!("{} takes the name {new}", scene.name());
        patch.username = Some(new);
        told
    } else {
        let new = format!("nick {}", scene.number);
        let told = format!("{} takes the nickname {new}", scene.name());
        patch.nickname = Some(new);
        told
    };
    let user = scene.user;
    Some(scene.by_user(Command::PatchUser(PatchUser { user, patch }), told))
}

fn at_mattermost(turn: &mut Turn<'_>) -> Option<String> {
    let (id, mut row) = turn.local_user()?;
    let earlier = row.username.clone();
    let told = if turn.dice.chance(500) {
        let name = *turn.dice.pick(&NAMES)?;
        if turn.server.rows.named(name).is_some() {
            return None;
        }
        row.username = name.to_string();
        format!("{earlier} takes the name {name}")
    } else {
        let number = turn.number;
        row.nickname = format!("nick {number}");
        format!("{earlier} takes the nickname nick {number}")
    };
    turn.server.change_profile(turn.now_ms, id, row);
    Some(told)
}
