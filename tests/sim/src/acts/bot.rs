//! Makes an account a bot's, or changes what is said of a bot.

use causeway_kernel::command::{Command, SetBot};

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;
use crate::world::setup::ADMIN;

pub(super) const SPEC: Spec = Spec {
    weight: 1,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Asks(ask),
    // A Mattermost server says who is a bot only in frames that the modelled ones do not send.
    at_mattermost: |_| None,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let others: Vec<_> = scene
        .accounts()
        .into_iter()
        .filter(|(user, _)| *user != ADMIN)
        .collect();
    let (user, row) = dice.pick(&others)?;
    let description = format!("bot {}", scene.number);
    let told = format!("the admin makes {} the {description}", row.username);
    let command = Command::SetBot(SetBot {
        user: *user,
        owner: ADMIN,
        description,
    });
    Some(vec![scene.request(ADMIN, command, told)])
}
