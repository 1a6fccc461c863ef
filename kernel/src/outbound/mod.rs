//! Sending: what each peer still needs is derived from the feed and the link's cursor, one round at a time
//! for each connection, each section of a round one message.
//!
//! 1. A round is stored before its first byte leaves; a receipt names the attempt it answers.
//! 2. A cursor moves past an object only if that is delivered, is not for this peer, or has an exception.
//! 3. Users, posts, acknowledgements, statuses and (except to a toggle peer) reactions are delivered at least once;
//!    receivers accept the same version again without change. A reaction state is sent to a toggle peer at
//!    most once.
//! 4. Nothing is sent back to the workspace that it came from.
//!
//! Files and profile pictures go beside the rounds: see [`owed`].

pub mod again;
pub mod delivery;
pub mod exception;
pub mod files;
mod links;
mod owed;
mod pick;
pub mod pictures;
mod plan;
pub mod profiles;
pub mod receipt;
mod sections;
#[cfg(test)]
mod tests;
pub mod transfers;
mod verdict;
mod withheld_files;
mod work;

use crate::boundary::output::Effect;
use crate::model::limits::{
    OBJECTS_PER_ROUND_MAX, PASSES_PER_PUMP_MAX, POSTS_PER_SYNC_2021, PUMPS_PER_STEP_MAX,
};
use crate::model::{Connection, PeerKind, RoundSource};
use crate::rows::counters::{connected_workspaces, workspace};
use crate::rows::due;
use crate::rows::id::{ChannelNo, ConnectionNo};
use crate::rows::tx::{Read, Tx};
use crate::sharing::connection;
use pictures::Pictures;
use sections::Next;
use transfers::Files;
use work::Work;

pub use sections::users::wire_user;
pub use work::{forget_state, set_back};

/// Maximum number of objects of a round to a kind of peer.
fn objects_max(tx: &Tx<'_>, kind: PeerKind) -> u32 {
    if kind == PeerKind::Mattermost2021 {
        return POSTS_PER_SYNC_2021;
    }
    let wished = workspace(tx).map_or(1, |workspace| workspace.config.posts_per_sync_max);
    wished.clamp(1, OBJECTS_PER_ROUND_MAX)
}

/// Starts or continues the rounds of the connections that this step touched; called at the end of the step.
pub fn pump(tx: &mut Tx<'_>) {
    let touched = std::mem::take(&mut tx.touched);
    // What is pending stays so until channels are synchronised again.
    if touched.is_empty() || !connected_workspaces(tx).channels {
        return;
    }
    for (at, connection_no) in touched.into_iter().enumerate() {
        if at < PUMPS_PER_STEP_MAX {
            pump_one(tx, connection_no);
            owed::pump::<Files>(tx, connection_no);
            owed::pump::<Pictures>(tx, connection_no);
        } else {
            due::send_at(tx, tx.now_ms(), connection_no);
        }
    }
}

fn pump_one(tx: &mut Tx<'_>, connection_no: ConnectionNo) {
    for _ in 0..PASSES_PER_PUMP_MAX {
        let Some(connection) = tx.get::<Connection>(&connection_no) else {
            return;
        };
        if !connection::may_send(&connection, tx.now_ms()) {
            return;
        }
        let work = match Work::load(tx, connection_no, connection.clone()) {
            Some(work) if work.round.attempt.is_some() => return,
            Some(work) if !work.is_live() => {
                work.drop_round(tx);
                continue;
            }
            Some(work) => Some(work),
            None => match pick::next(tx, connection_no, connection) {
                pick::Picked::Work(work) => Some(*work),
                pick::Picked::Again => None,
                pick::Picked::Nothing => return,
            },
        };
        let Some(mut work) = work else { continue };
        match sections::next_frame(tx, &mut work) {
            Next::Frame(frame) => return send(tx, work, frame),
            Next::Later => {
                work.store(tx);
                break;
            }
            Next::Nothing => work.finish(tx),
        }
    }
    due::send_at(tx, tx.now_ms(), connection_no);
}

/// Stores the round as in flight and hands the frame to the host in one step, so that the attempt is recorded
/// before the first byte leaves.
fn send(tx: &mut Tx<'_>, mut work: Work, frame: Vec<u8>) {
    let (connection, channel) = (work.connection_no, work.round.channel);
    let turn = match work.round.source {
        RoundSource::Statuses { .. } => Connection::TURN_OF_STATUSES,
        _ => channel,
    };
    work.change_connection(tx, |connection| {
        connection.attempt += 1;
        if channel != ChannelNo(0) || connection.turn == Connection::TURN_OF_STATUSES {
            connection.turn = turn;
        }
    });
    let attempt = work.connection().attempt;
    work.round.attempt = Some(attempt);
    work.store(tx);
    tx.effect(Effect::Send {
        connection,
        attempt,
        frame,
    });
}
