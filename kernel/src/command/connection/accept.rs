//! Accepting an invitation.

use serde::{Deserialize, Serialize};

use super::{CreateConnection, Handshake, check, creator, store, team_named};
use crate::authority;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::registry::{Act, By};
use crate::model::limits::REMOTE_SITE_URL_BYTES_MAX;
use crate::model::{ConnectionState, PeerKind};
use crate::rows::id::Id;
use crate::rows::lookup;
use crate::rows::tx::Tx;

/// Creates a connection from an opened invitation code, before the inviter is called (§8.1.3).
///
/// # Errors
/// As for [`CreateConnection`]; the code is our own, or was accepted before: there
/// is one record for each `remote_id`, so a used code cannot harm a working connection (W55).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptConnection {
    /// Names and team.
    pub create: CreateConnection,
    /// `remote_id` of the invitation.
    pub remote_id: Id,
    /// The inviter's site URL.
    pub site_url: String,
    /// The kind of server according to the code.
    pub kind: PeerKind,
    /// Team named by the code, or empty.
    pub remote_team_id: String,
}
texts!(struct AcceptConnection {
    create,
    remote_id,
    site_url: Text::Words,
    kind,
    remote_team_id: Text::Id,
});

impl Act for AcceptConnection {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        authority::require_connections(tx, by.actor)?;
        let checked = check(
            tx,
            by.actor,
            &self.create,
            "model.cluster.is_valid.name.app_error",
            400,
        )?;
        if lookup::connection(tx, self.remote_id.as_str()).is_some() {
            return Err(Refusal::new(
                500,
                "api.remote_cluster.accept_invitation_error",
                "This invitation was accepted or made here before; ask for a new one.",
            ));
        }
        if self.site_url.is_empty() || self.site_url.len() > REMOTE_SITE_URL_BYTES_MAX {
            return Err(Refusal::new(
                400,
                "model.cluster.is_valid.site_url.app_error",
                "The invitation names no usable site URL.",
            ));
        }
        let handshake = Handshake {
            remote_id: self.remote_id,
            state: ConnectionState::Confirming,
            kind: self.kind,
            creator: creator(tx, by.actor)?,
            site_url: &self.site_url,
            remote_team_id: team_named(&self.remote_team_id),
        };
        let no = store(tx, checked, handshake);
        Ok(Reply::Object(Object::Connection(no)))
    }
}
