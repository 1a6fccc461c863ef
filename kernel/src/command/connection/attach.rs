//! Attaching a connection to an earlier workspace.

use serde::{Deserialize, Serialize};

use super::{live, not_found};
use crate::authority;
use crate::boundary::behaviour::Behaviour;
use crate::boundary::output::{Effect, Object, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::model::{Connection, ConnectionLink, ConnectionState, PeerWorkspace};
use crate::objects::remote_names;
use crate::rows::id::ConnectionNo;
use crate::rows::tx::{Read, Tx};
use crate::sharing::directory;

/// Declares that a connection leads to the workspace of an earlier, removed connection, so that its users and
/// posts have an owner again (W32). Only an admin can know that.
///
/// # Errors
/// The actor may not manage connections; the connection does not exist, has already shared a channel, or is the
/// earlier one; the earlier one is not removed, or another one took its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachConnection {
    /// The connection.
    pub connection: ConnectionNo,
    /// The removed one.
    pub previous: ConnectionNo,
}
texts!(struct AttachConnection { connection, previous });

impl Act for AttachConnection {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let AttachConnection {
            connection: no,
            previous,
        } = *self;
        // It decides who gets what is already shared: more than those who manage connections may read.
        authority::require_admin(tx, by.actor)?;
        let mut row = live(tx, no)?;
        let earlier = tx.get::<Connection>(&previous).ok_or_else(not_found)?;
        if earlier.state != ConnectionState::Removed {
            return Err(not_attachable(
                "The earlier connection has not been removed.",
            ));
        }
        // Objects arrive only over shared channels, so this connection has not brought any yet.
        if !tx.prefix::<ConnectionLink, _>(&no, 1).is_empty() {
            return Err(not_attachable(
                "A channel was shared over this connection already, so its objects belong to another \
             workspace. Remove it, connect anew, and attach before sharing.",
            ));
        }
        let mut peer = tx
            .get::<PeerWorkspace>(&earlier.workspace)
            .ok_or_else(not_found)?;
        if peer.connection.is_some() || row.workspace == earlier.workspace {
            return Err(not_attachable(
                "A connection leads to that workspace already.",
            ));
        }
        if let Some(own) = tx.get::<PeerWorkspace>(&row.workspace) {
            // What the new connection reported is newer than what the earlier one reported.
            peer.incarnation = own.incarnation.or(peer.incarnation);
        }
        tx.delete::<PeerWorkspace>(&row.workspace);
        row.workspace = earlier.workspace;
        peer.connection = Some(no);
        tx.put(&row.workspace, &peer);
        tx.put(&no, &row);
        remote_names::settle(tx);
        if Behaviour::DeactivatedOffered.is_in_force(tx) {
            // Who was known over the earlier connection was not, as long as it led to another workspace.
            directory::offer_again(tx, no);
        }
        tx.effect(Effect::Connection(no));
        Ok(Reply::Object(Object::Connection(no)))
    }
}

fn not_attachable(message: &str) -> Refusal {
    Refusal::new(400, "causeway.connection.attach.app_error", message)
}
