//! Changes the user name, the nickname or the picture.

use causeway_kernel::command::{Command, PatchUser, SetPicture, UserPatch};

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

/// Bytes of every picture.
const PICTURE_BYTES: u64 = 600;

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let user = scene.user;
    let mut patch = UserPatch::default();
    let told = match dice.below(4) {
        0 => {
            let new = (*dice.pick(&NAMES)?).to_string();
            let told = format!("{} takes the name {new}", scene.name());
            patch.username = Some(new);
            told
        }
        1 => {
            let new = format!("nick {}", scene.number);
            let told = format!("{} takes the nickname {new}", scene.name());
            patch.nickname = Some(new);
            told
        }
        _ => {
            let told = format!("{} has a new picture", scene.name());
            let set = SetPicture {
                user,
                digest: digest(scene.number),
                size: PICTURE_BYTES,
                is_generated: dice.chance(100),
            };
            return Some(scene.by_user(Command::SetPicture(set), told));
        }
    };
    Some(scene.by_user(Command::PatchUser(PatchUser { user, patch }), told))
}

/// The digest of a picture that no other act sets.
fn digest(number: usize) -> String {
    format!("{number:0>64x}").replacen("00", "a0", 1)
}

fn at_mattermost(turn: &mut Turn<'_>) -> Option<String> {
    let (id, mut row) = turn.local_user()?;
    let earlier = row.username.clone();
    let number = turn.number;
    let told = match turn.dice.below(4) {
        0 => {
            let name = *turn.dice.pick(&NAMES)?;
            if turn.server.rows.named(name).is_some() {
                return None;
            }
            row.username = name.to_string();
            format!("{earlier} takes the name {name}")
        }
        1 => {
            row.nickname = format!("nick {number}");
            format!("{earlier} takes the nickname nick {number}")
        }
        _ => {
            turn.server.set_picture(id, digest(number));
            return Some(format!("{earlier} has a new picture"));
        }
    };
    turn.server.change_profile(turn.now_ms, id, row);
    Some(told)
}
