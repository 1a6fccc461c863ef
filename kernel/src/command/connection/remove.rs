//! Removing a connection.

use serde::{Deserialize, Serialize};

use super::live;
use crate::authority;
use crate::boundary::output::{Effect, Object, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::model::{ConnectionState, Job, PeerWorkspace, Round, kind};
use crate::rows::id::{ChannelNo, ConnectionNo};
use crate::rows::jobs;
use crate::rows::tx::{Read, Tx};
use crate::sharing::consent;

/// Removes a connection; channels, posts and users are kept, and so is their origin. The peer is not
/// notified: no generation of the protocol has a message for it.
///
/// # Errors
/// The actor may not manage connections; the connection does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveConnection {
    /// The connection.
    pub connection: ConnectionNo,
}
texts!(struct RemoveConnection { connection });

impl Act for RemoveConnection {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let no = self.connection;
        authority::require_connections(tx, by.actor)?;
        let mut row = live(tx, no)?;
        row.state = ConnectionState::Removed;
        row.delete_at = tx.now_ms();
        tx.unbind_name(kind::CONNECTION_NAME, &row.name);
        tx.put(&no, &row);
        tx.delete::<Round>(&no);
        consent::forget_all(tx, no);
        if let Some(mut peer) = tx.get::<PeerWorkspace>(&row.workspace) {
            peer.connection = None;
            tx.put(&row.workspace, &peer);
        }
        jobs::start(
            tx,
            Job::EndLinks {
                connection: no,
                position: ChannelNo(0),
            },
        );
        tx.effect(Effect::Connection(no));
        Ok(Reply::Object(Object::Connection(no)))
    }
}
