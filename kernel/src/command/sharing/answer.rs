//! Answering the offer of a channel.

use serde::{Deserialize, Serialize};

use crate::authority;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::connection::live;
use crate::command::registry::{Act, By};
use crate::rows::id::{ConnectionNo, Id};
use crate::rows::tx::Tx;
use crate::sharing::{self, consent};

/// Accepts or declines a channel that the peer of a connection offers, where administrators are asked first.
///
/// # Errors
/// The actor does not manage connections; the connection is removed; no such channel is offered; shared channels are
/// switched off; a policy does not allow it, or failed; the channel cannot be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerChannelInvitation {
    /// The connection.
    pub connection: ConnectionNo,
    /// Id of the channel.
    pub channel: Id,
    /// Whether it is accepted.
    pub accept: bool,
}
texts!(struct AnswerChannelInvitation { connection, channel, accept });

impl Act for AnswerChannelInvitation {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        authority::require_connections(tx, by.actor)?;
        let row = live(tx, self.connection)?;
        let key = (self.connection, self.channel);
        if self.accept {
            sharing::require_on(tx)?;
            consent::accept(tx, key, &row)?;
        } else {
            consent::decline(tx, key)?;
        }
        Ok(Reply::Object(Object::Connection(self.connection)))
    }
}
