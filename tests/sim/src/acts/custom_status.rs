//! Sets the custom status, or removes it.

use causeway_kernel::command::{Command, SetCustomStatus};
use serde_json::json;

use super::scene::{Request, Scene};
use super::{AtWorkspace, EMOJI, Spec};
use crate::dice::Dice;
use crate::mattermost::acts::Turn;
use crate::oracle::user_view::custom_status;

pub(super) const SPEC: Spec = Spec {
    weight: 3,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Asks(ask),
    at_mattermost,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let held = custom_status(&scene.profile.props);
    let status = next(&held, scene.number, dice)?;
    let told = told(scene.name(), &status);
    let command = Command::SetCustomStatus(SetCustomStatus { status });
    Some(scene.by_user(command, told))
}

/// The status after the one that a user has: sometimes none, otherwise one that no other act sets.
fn next(held: &str, number: usize, dice: &mut Dice) -> Option<String> {
    if !held.is_empty() && dice.chance(400) {
        return Some(String::new());
    }
    let emoji = dice.pick(&EMOJI)?;
    Some(json!({"emoji": emoji, "text": format!("busy {number}")}).to_string())
}

fn told(name: &str, status: &str) -> String {
    match status {
        "" => format!("{name} removes the custom status"),
        _ => format!("{name} has the custom status {status}"),
    }
}

fn at_mattermost(turn: &mut Turn<'_>) -> Option<String> {
    let (id, mut row) = turn.local_user()?;
    row.custom_status = next(&row.custom_status, turn.number, turn.dice)?;
    let told = told(&row.username, &row.custom_status);
    turn.server.change_profile(turn.now_ms, id, row);
    Some(told)
}
