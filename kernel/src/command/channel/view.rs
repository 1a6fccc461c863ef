//! Viewing a channel.

use serde::{Deserialize, Serialize};

use super::seen;
use crate::authority;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::model::{Channel, ChannelMember};
use crate::rows::id::ChannelNo;
use crate::rows::tx::{Read, Tx};

/// Records that the actor has seen everything in a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewChannel {
    /// The channel.
    pub channel: ChannelNo,
}
texts!(struct ViewChannel { channel });

impl Act for ViewChannel {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let channel_no = self.channel;
        let user = authority::acting_user(tx, by.actor)?;
        let channel = tx
            .get::<Channel>(&channel_no)
            .ok_or_else(Refusal::forbidden)?;
        let key = (channel_no, user);
        let old = tx
            .get::<ChannelMember>(&key)
            .ok_or_else(Refusal::forbidden)?;
        let member = seen(&old, &channel);
        if member != old {
            tx.put(&key, &member);
        }
        Ok(Reply::Object(Object::ChannelMember(channel_no, user)))
    }
}
