//! Deactivates an account, or reactivates a deactivated one.

use causeway_kernel::command::{Command, SetActive, SetCustomStatus};

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;
use crate::world::setup::ADMIN;

pub(super) const SPEC: Spec = Spec {
    weight: 3,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Asks(ask),
    // Whether an account is active does not travel from a Mattermost server.
    at_mattermost: |_| None,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let accounts = scene.accounts();
    let (inactive, active): (Vec<_>, Vec<_>) = accounts
        .into_iter()
        .partition(|(_, row)| row.delete_at != 0);
    let is_active = !inactive.is_empty() && dice.chance(600);
    let list = if is_active { inactive } else { active };
    let (user, row) = dice.pick(&list)?;
    let name = &row.username;
    let command = Command::SetActive(SetActive {
        user: *user,
        is_active,
    });
    // Nobody reactivates their own account. The last administrator stays, whoever asks.
    let (by, told) = if is_active {
        (ADMIN, format!("the admin reactivates {name}"))
    } else if dice.chance(500) {
        (*user, format!("{name} deactivates their own account"))
    } else {
        (ADMIN, format!("the admin deactivates {name}"))
    };
    let mut requests = vec![scene.request(by, command, told)];
    // A client may not know yet that its user is deactivated.
    if !is_active && *user != ADMIN && dice.chance(300) {
        let told = format!("{name} removes the custom status");
        let status = String::new();
        let command = Command::SetCustomStatus(SetCustomStatus { status });
        requests.push(scene.request(*user, command, told));
    }
    Some(requests)
}
