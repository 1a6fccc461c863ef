//! Ending the sharing of a channel with a connection.

use serde::{Deserialize, Serialize};

use crate::boundary::output::{Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::rows::id::{ChannelNo, ConnectionNo};
use crate::rows::tx::Tx;
use crate::sharing;

/// Ends the sharing of a channel with a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UninviteFromChannel {
    /// The channel.
    pub channel: ChannelNo,
    /// The connection.
    pub connection: ConnectionNo,
}
texts!(struct UninviteFromChannel { channel, connection });

impl Act for UninviteFromChannel {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        sharing::uninvite(tx, by.actor, self.channel, self.connection)
    }
}
