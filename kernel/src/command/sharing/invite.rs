//! Inviting a connection to a channel.

use serde::{Deserialize, Serialize};

use crate::boundary::output::{Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::model::History;
use crate::rows::id::{ChannelNo, ConnectionNo};
use crate::rows::tx::Tx;
use crate::sharing::{self, Terms};

/// Shares a channel, if not shared yet, and invites a connection to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteToChannel {
    /// The channel.
    pub channel: ChannelNo,
    /// The connection.
    pub connection: ConnectionNo,
    /// Whether the peer's ordinary members may only read.
    pub read_only: bool,
    /// Which posts from before the peer gets.
    pub history: History,
}
texts!(struct InviteToChannel { channel, connection, read_only, history });

/// The last field, which version 1 did not have.
fn missing() -> Option<Vec<u8>> {
    postcard::to_allocvec(&History::Configured).ok()
}

impl Act for InviteToChannel {
    const VERSION: u8 = 2;

    fn of_older_version(version: u8, body: &[u8]) -> Option<InviteToChannel> {
        let whole = (version == 1).then(missing).flatten()?;
        match postcard::take_from_bytes(&[body, &whole].concat()) {
            Ok((invite, [])) => Some(invite),
            _ => None,
        }
    }

    fn to_older_version(&self, version: u8) -> Option<Vec<u8>> {
        let has_place = version == 1 && self.history == History::Configured;
        let body = postcard::to_allocvec(self).ok()?;
        let body = body.strip_suffix(missing()?.as_slice())?;
        has_place.then(|| body.to_vec())
    }

    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let terms = Terms {
            read_only: self.read_only,
            history: self.history,
        };
        sharing::invite(tx, by.actor, self.channel, self.connection, terms)
    }
}
