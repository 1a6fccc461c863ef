//! Using a component of an integration.

use serde::{Deserialize, Serialize};

use super::registry::{Act, By};
use crate::authority;
use crate::boundary::output::{Refusal, Reply};
use crate::boundary::texts::texts;
use crate::gate;
use crate::model::Component;
use crate::rows::id::ChannelNo;
use crate::rows::tx::Tx;

/// Asks for the permission to use a component in a channel, which the host needs before it calls an integration or
/// writes what one has sent. It changes nothing, and a later use needs a permission of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseComponent {
    /// The channel.
    pub channel: ChannelNo,
    /// The component.
    pub component: Component,
}
texts!(struct UseComponent { channel, component });

impl Act for UseComponent {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let user = authority::acting_user(tx, by.actor)?;
        if !authority::may_read_channel(tx, self.channel, user) {
            return Err(Refusal::forbidden());
        }
        gate::may_use(tx, self.channel, user, self.component.clone().bounded())?;
        Ok(Reply::Done)
    }
}
