//! Handling of inbound verdicts when the policies change.
//!
//! Items held here are asked about at once. Denied items are no longer here: their peer was notified, and may
//! send them again. Only the verdict is stored, so that the same version gets the same answer without another
//! question; it is deleted, so that the current policies decide.

use super::held;
use crate::boundary::behaviour::Behaviour;
use crate::boundary::policy::Direction;
use crate::gate;
use crate::model::{Job, VerdictRow};
use crate::rows::id::{ConnectionNo, Id};
use crate::rows::tx::{Read, Tx};
use crate::rows::{jobs, key};

/// Called when the policies have changed: starts a pass over all connections.
pub fn start(tx: &mut Tx<'_>) {
    if Behaviour::AskedAgain.is_in_force(tx) {
        let job = Job::AskInboundAgain {
            connection: ConnectionNo(0),
            position: None,
        };
        jobs::start(tx, job);
    }
}

/// Carries out a portion of the [`Job::AskInboundAgain`] with this number; returns the continued job, if any.
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
        // The first key after the last one processed.
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
