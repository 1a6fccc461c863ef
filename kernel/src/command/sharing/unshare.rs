//! Ending the sharing of a channel.

use serde::{Deserialize, Serialize};

use crate::boundary::output::{Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::rows::id::ChannelNo;
use crate::rows::tx::Tx;
use crate::sharing;

/// Ends the sharing of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnshareChannel {
    /// The channel.
    pub channel: ChannelNo,
}
texts!(struct UnshareChannel { channel });

impl Act for UnshareChannel {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        sharing::unshare(tx, by.actor, self.channel)
    }
}
