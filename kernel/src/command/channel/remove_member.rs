//! Leaving a channel, or removing somebody from it.

use serde::{Deserialize, Serialize};

use super::actor_user;
use crate::authority;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::notice;
use crate::command::registry::{Act, By};
use crate::command::team::DEFAULT_CHANNEL;
use crate::model::Channel;
use crate::objects::members;
use crate::rows::id::{ChannelNo, UserNo};
use crate::rows::tx::{Read, Tx};

/// Removes a user from a channel: oneself, or another user if the actor is a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveChannelMember {
    /// The channel.
    pub channel: ChannelNo,
    /// The user.
    pub user: UserNo,
}
texts!(struct RemoveChannelMember { channel, user });

impl Act for RemoveChannelMember {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let RemoveChannelMember {
            channel: channel_no,
            user: user_no,
        } = *self;
        let by = actor_user(tx, by.actor)?;
        let channel = tx
            .get::<Channel>(&channel_no)
            .ok_or_else(Refusal::forbidden)?;
        let member = authority::is_channel_member(tx, channel_no, user_no);
        let allowed = by.is_none_or(|by| {
            (by == user_no && member)
                || authority::is_channel_member(tx, channel_no, by)
                || authority::is_system_admin(tx, by)
        });
        if !allowed {
            return Err(Refusal::forbidden());
        }
        if !member {
            return Err(Refusal::new(
                404,
                "app.channel.get_member.missing.app_error",
                "This user is not a member of the channel.",
            ));
        }
        if channel.place.team().is_none() {
            return Err(Refusal::new(
                400,
                "api.channel.remove_channel_member.type.app_error",
                "The members of a direct or group channel never change.",
            ));
        }
        if channel.name == DEFAULT_CHANNEL {
            return Err(Refusal::new(
                400,
                "api.channel.remove.default.app_error",
                "Nobody can leave or be removed from the team's default channel.",
            ));
        }
        if channel.delete_at != 0 {
            return Err(Refusal::new(
                400,
                "api.channel.remove_user_from_channel.deleted.app_error",
                "This channel is archived; its members stay as they are.",
            ));
        }
        members::leave_channel(tx, channel_no, user_no);
        match by {
            Some(by) if by != user_no => notice::removed_from_channel(tx, channel_no, user_no, by),
            Some(_) => notice::left_channel(tx, channel_no, user_no),
            None => notice::removed_from_channel(tx, channel_no, user_no, user_no),
        }
        Ok(Reply::Object(Object::ChannelMember(channel_no, user_no)))
    }
}
