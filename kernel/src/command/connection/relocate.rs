//! Changing the address of a connected workspace.

use serde::{Deserialize, Serialize};

use super::live;
use crate::authority;
use crate::boundary::output::{Effect, Object, Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::registry::{Act, By};
use crate::model::ConnectionState;
use crate::model::limits::REMOTE_SITE_URL_BYTES_MAX;
use crate::rows::id::ConnectionNo;
use crate::rows::tx::Tx;

/// Sets a new address for a connected workspace. Only an administrator may do this, never the peer: otherwise
/// whoever obtained its token could redirect everything.
///
/// # Errors
/// The actor may not manage connections; the connection is unknown, removed or not confirmed yet; the address is
/// empty or too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelocateConnection {
    /// The connection.
    pub connection: ConnectionNo,
    /// The peer's new site URL.
    pub site_url: String,
}
texts!(struct RelocateConnection { connection, site_url: Text::Words });

impl Act for RelocateConnection {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let no = self.connection;
        // It decides who gets what is already shared: more than those who manage connections may read.
        authority::require_admin(tx, by.actor)?;
        let mut row = live(tx, no)?;
        let refused =
            |message: &str| Refusal::new(400, "api.remote_cluster.update.app_error", message);
        if row.state != ConnectionState::Confirmed {
            return Err(refused(
                "The connection is not confirmed yet: its address comes with the confirmation.",
            ));
        }
        if self.site_url.is_empty() || self.site_url.len() > REMOTE_SITE_URL_BYTES_MAX {
            return Err(refused("This is no usable site URL."));
        }
        row.site_url.clone_from(&self.site_url);
        tx.put(&no, &row);
        tx.effect(Effect::Connection(no));
        Ok(Reply::Object(Object::Connection(no)))
    }
}
