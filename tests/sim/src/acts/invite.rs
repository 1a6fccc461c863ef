//! Invites a peer to a channel.

use causeway_kernel::command::{Command, InviteToChannel};
use causeway_kernel::model::History;
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::sharing::connection;

use super::scene::{Request, Scene};
use super::{AtWorkspace, Spec};
use crate::dice::Dice;
use crate::mattermost::acts::Turn;

pub(super) const SPEC: Spec = Spec {
    weight: 5,
    weight_in_channel: 0,
    at_workspace: AtWorkspace::Asks(ask),
    at_mattermost,
};

fn ask(scene: &Scene<'_>, dice: &mut Dice) -> Option<Vec<Request>> {
    let own =
        scene.channels(|channel| channel.origin.is_ours() && channel.name.starts_with("room"));
    let (channel, row) = dice.pick(&own)?;
    let live = connection::all(scene.rows).into_iter();
    let live = live.filter(|(_, row)| row.delete_at == 0);
    let live: Vec<ConnectionNo> = live.map(|(no, _)| no).collect();
    let connection = *dice.pick(&live)?;
    let command = Command::InviteToChannel(InviteToChannel {
        channel: *channel,
        connection,
        read_only: dice.chance(50),
        history: history(scene, dice),
    });
    let told = format!("the admin offers {} to the peer", row.name);
    Some(scene.by_admin(command, told))
}

/// Usually as configured; otherwise everything, nothing, or what came since one of the newest posts.
fn history(scene: &Scene<'_>, dice: &mut Dice) -> History {
    let since = scene.place(dice).and_then(|place| {
        let (_, post) = dice.pick(&scene.newest(&place))?.clone();
        Some(History::Since(post.create_at))
    });
    match dice.below(6) {
        0 => History::Everything,
        1 => History::Nothing,
        2 => since.unwrap_or_default(),
        _ => History::Configured,
    }
}

fn at_mattermost(turn: &mut Turn<'_>) -> Option<String> {
    let rows = turn.server.rows.channels.iter();
    let free: Vec<Id> = rows
        .filter(|(_, row)| row.is_home && row.share.is_none())
        .map(|(id, _)| *id)
        .collect();
    let channel = *turn.dice.pick(&free)?;
    turn.server.offer(turn.now_ms, channel);
    let name = &turn.server.rows.channels.get(&channel)?.name;
    Some(format!("the admin offers {name} to the hub"))
}
