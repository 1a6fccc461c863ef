//! Completing a handshake.

use serde::{Deserialize, Serialize};

use super::{live, team_named};
use crate::authority;
use crate::boundary::output::{Effect, Object, Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::registry::{Act, By};
use crate::model::limits::REMOTE_SITE_URL_BYTES_MAX;
use crate::model::{ConnectionState, PeerKind};
use crate::rows::id::ConnectionNo;
use crate::rows::tx::Tx;
use crate::sharing::connection;

/// The handshake has succeeded.
///
/// # Errors
/// The actor is neither the service nor may manage connections; the connection does not exist or is already
/// confirmed; the invitation has expired (§5.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmConnection {
    /// The connection.
    pub connection: ConnectionNo,
    /// The peer's site URL.
    pub site_url: String,
    /// The kind of server according to the handshake.
    pub kind: PeerKind,
    /// Team named by the peer, or empty.
    pub remote_team_id: String,
}
texts!(struct ConfirmConnection { connection, site_url: Text::Words, kind, remote_team_id: Text::Id });

impl Act for ConfirmConnection {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let no = self.connection;
        let site_url = self.site_url.as_str();
        authority::require_connections(tx, by.actor)?;
        let mut row = live(tx, no)?;
        if row.state == ConnectionState::Confirmed {
            return Err(not_confirmable(
                "The connection has already been confirmed.",
            ));
        }
        if row.state == ConnectionState::Pending
            && connection::invitation_is_expired(&row, tx.now_ms())
        {
            return Err(Refusal::new(
                400,
                "api.context.invitation_expired.error",
                "The invitation has expired; make a new one.",
            ));
        }
        if site_url.is_empty() || site_url.len() > REMOTE_SITE_URL_BYTES_MAX {
            return Err(not_confirmable(
                "The confirmation names no usable site URL.",
            ));
        }
        row.site_url = site_url.to_string();
        row.kind = self.kind;
        row.remote_team_id = team_named(&self.remote_team_id);
        connection::begin(tx, no, &mut row);
        tx.put(&no, &row);
        tx.effect(Effect::Connection(no));
        Ok(Reply::Object(Object::Connection(no)))
    }
}

fn not_confirmable(message: &str) -> Refusal {
    Refusal::new(500, "api.command_remote.confirm_invitation.error", message)
}
