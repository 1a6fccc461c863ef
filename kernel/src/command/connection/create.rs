//! Inviting a workspace.

use serde::{Deserialize, Serialize};

use super::{Handshake, check, creator, store};
use crate::authority;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::registry::{Act, By};
use crate::model::{ConnectionState, PeerKind};
use crate::rows::tx::Tx;

/// Creates a pending connection: the first half of an invitation, valid for 48 hours.
///
/// # Errors
/// The actor may not manage connections; the name is not allowed or taken; the default team does not exist; the
/// limit of connections is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateConnection {
    /// Local name: `^[a-z0-9.\-_]{1,64}$` after lower-casing.
    pub name: String,
    /// Display name; empty = the name.
    pub display_name: String,
    /// Team for channels received by invitation; empty = the first team.
    pub default_team_id: String,
}
texts!(
    struct CreateConnection {
        name: Text::Words,
        display_name: Text::Words,
        default_team_id: Text::Id,
    }
);

impl Act for CreateConnection {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        authority::require_connections(tx, by.actor)?;
        let checked = check(tx, by.actor, self, "api.remote_cluster.save.app_error", 500)?;
        let remote_id = tx.new_id();
        let state = ConnectionState::Pending;
        let kind = PeerKind::Mattermost2021;
        let creator = creator(tx, by.actor)?;
        let no = store(
            tx,
            checked,
            Handshake {
                remote_id,
                state,
                kind,
                creator,
                site_url: "",
                remote_team_id: String::new(),
            },
        );
        Ok(Reply::Object(Object::Connection(no)))
    }
}
