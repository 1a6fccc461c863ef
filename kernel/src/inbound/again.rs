//! What becomes of inbound verdicts when the policies change.
//!
//! What waits here is asked about at once. What was denied is not here any more: its peer was told
//! so, and sends it again or not. Only its verdict stands, so that the same version gets the same
//! answer without another question; that is forgotten, so that the policies of today answer.

use super::held;
use crate::boundary::behaviour::Behaviour;
use crate::boundary::policy::Direction;
use crate::gate;
use crate::model::{Job, VerdictRow};
use crate::rows::id::{ConnectionNo, Id};
use crate::rows::tx::{Read, Tx};
use crate::rows::{jobs, key};

/// The policies are others now: starts over all connections.
pub fn start(tx: &mut Tx<'_>) {
    if Behaviour::AskedAgain.is_in_force(tx) {
        let job = Job::AskInboundAgain {
            connection: ConnectionNo(0),
            position: None,
        };
        jobs::start(tx, job);
    }
}

/// Does a portion of [`Job::AskInboundAgain`], which has this number; returns the job as it goes on,
/// if it does.
pub fn ask_again(
    tx: &mut Tx<'_>,
    number: u64,
    connection: ConnectionNo,
    position: Option<Id>,
) -> Option<Job> {
    if position.is_none() && held::ask_before(tx, connection, number) {
        return Some(Job::AskInboundAgain {
            connection,
            position,
        });
    }
    let prefix = (connection, gate::about_posts(tx, Direction::Inbound).byte());
    let from = match position {
        // The first key behind the last one done.
        Some(id) => [key::encode(&(prefix.0, prefix.1, id)), vec![0]].concat(),
        None => key::encode(&prefix),
    };
    let rows = tx.rows::<VerdictRow>(&jobs::range(from, &key::encode(&prefix)));
    let last = rows.last().map(|((_, _, id), _)| *id);
    for (key, row) in rows {
        if !row.allowed {
            tx.delete::<VerdictRow>(&key);
        }
    }
    if last.is_some() {
        return Some(Job::AskInboundAgain {
            connection,
            position: last,
        });
    }
    Some(Job::AskInboundAgain {
        connection: jobs::next_connection(tx, connection)?,
        position: None,
    })
}
