//! Changing the settings of a connection.

use serde::{Deserialize, Serialize};

use super::{live, may_receive};
use crate::authority;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::registry::{Act, By};
use crate::model::limits::DISPLAY_NAME_CHARS_MAX;
use crate::rows::id::ConnectionNo;
use crate::rows::tx::Tx;

/// Changes the display name, the team for channels received by invitation (§11), whether these channels wait until
/// an administrator here accepts them, and what becomes of them when the peer no longer shares them.
///
/// # Errors
/// The actor may not manage connections; the connection is unknown or removed; the display name is too long; the
/// team does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchConnection {
    /// The connection.
    pub connection: ConnectionNo,
    /// New display name; empty = the name.
    pub display_name: Option<String>,
    /// New team for channels received by invitation; empty = the first team.
    pub default_team_id: Option<String>,
    /// See [`Connection::asks_first`](crate::model::Connection::asks_first).
    pub asks_first: Option<bool>,
    /// See [`Connection::keeps_removed`](crate::model::Connection::keeps_removed).
    pub keeps_removed: Option<bool>,
}
texts!(struct PatchConnection {
    connection,
    display_name: Text::Words,
    default_team_id: Text::Id,
    asks_first,
    keeps_removed,
});

/// The last two fields, which version 1 did not have.
const MISSING: [u8; 2] = [0, 0];

impl Act for PatchConnection {
    const VERSION: u8 = 2;

    fn of_older_version(version: u8, body: &[u8]) -> Option<PatchConnection> {
        let whole = (version == 1).then(|| [body, &MISSING].concat())?;
        match postcard::take_from_bytes(&whole) {
            Ok((patch, [])) => Some(patch),
            _ => None,
        }
    }

    fn to_older_version(&self, version: u8) -> Option<Vec<u8>> {
        let is_new = self.asks_first.is_some() || self.keeps_removed.is_some();
        let has_place = version == 1 && !is_new;
        let body = postcard::to_allocvec(self).ok()?;
        let body = body.strip_suffix(MISSING.as_slice())?;
        has_place.then(|| body.to_vec())
    }

    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let no = self.connection;
        authority::require_connections(tx, by.actor)?;
        let mut row = live(tx, no)?;
        let refused =
            |message: &str| Refusal::new(500, "api.remote_cluster.update.app_error", message);
        if let Some(display_name) = self.display_name.as_deref().map(str::trim) {
            if display_name.chars().count() > DISPLAY_NAME_CHARS_MAX {
                return Err(refused("A display name has at most 64 characters."));
            }
            row.display_name = if display_name.is_empty() {
                row.name.clone()
            } else {
                display_name.to_string()
            };
        }
        if let Some(team_id) = &self.default_team_id {
            if !team_id.is_empty() && !may_receive(tx, by.actor, team_id) {
                return Err(refused("There is no team of this id."));
            }
            row.default_team_id = team_id.to_string();
        }
        row.asks_first = self.asks_first.unwrap_or(row.asks_first);
        row.keeps_removed = self.keeps_removed.unwrap_or(row.keeps_removed);
        tx.put(&no, &row);
        Ok(Reply::Object(Object::Connection(no)))
    }
}
