//! Giving up a failed handshake.

use serde::{Deserialize, Serialize};

use super::{live, not_found};
use crate::authority;
use crate::boundary::output::{Effect, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::model::{Connection, ConnectionState, IdRow, PeerWorkspace, kind};
use crate::rows::id::ConnectionNo;
use crate::rows::tx::{Read, Tx};
use crate::sharing::connection;

/// The handshake has failed for good: the record is deleted without a trace, so the same code may be tried
/// again.
///
/// # Errors
/// The actor is neither the service nor may manage connections; the connection was not accepted here or is no
/// longer unconfirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbandonConnection {
    /// The connection.
    pub connection: ConnectionNo,
}
texts!(struct AbandonConnection { connection });

/// Deletes the workspace of a connection, unless this one was attached to the workspace of an earlier
/// connection.
fn leave_workspace(tx: &mut Tx<'_>, no: ConnectionNo, row: &Connection) {
    let others = connection::all(tx);
    let is_earlier =
        |(other, it): &(ConnectionNo, Connection)| *other != no && it.workspace == row.workspace;
    let peer = tx.get::<PeerWorkspace>(&row.workspace);
    match peer.filter(|_| others.iter().any(is_earlier)) {
        Some(peer) => {
            let connection = None;
            tx.put(&row.workspace, &PeerWorkspace { connection, ..peer });
        }
        None => tx.delete::<PeerWorkspace>(&row.workspace),
    }
}

impl Act for AbandonConnection {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let no = self.connection;
        authority::require_connections(tx, by.actor)?;
        let row = live(tx, no)?;
        if row.state != ConnectionState::Confirming {
            return Err(not_found());
        }
        tx.unbind_name(kind::CONNECTION_NAME, &row.name);
        tx.delete::<IdRow>(&(kind::CONNECTION, row.remote_id));
        leave_workspace(tx, no, &row);
        tx.delete::<Connection>(&no);
        tx.effect(Effect::Connection(no));
        Ok(Reply::Done)
    }
}
