//! Inviting a connection to a channel.

use serde::{Deserialize, Serialize};

use crate::boundary::output::{Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::rows::id::{ChannelNo, ConnectionNo};
use crate::rows::tx::Tx;
use crate::sharing;

/// Shares a channel, if not shared yet, and invites a connection to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteToChannel {
    /// The channel.
    pub channel: ChannelNo,
    /// The connection.
    pub connection: ConnectionNo,
    /// Whether the peer's ordinary members may only read.
    pub read_only: bool,
}
texts!(struct InviteToChannel { channel, connection, read_only });

impl Act for InviteToChannel {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        sharing::invite(tx, by.actor, self.channel, self.connection, self.read_only)
    }
}
