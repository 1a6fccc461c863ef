//! Making members of a channel its admins.

use serde::{Deserialize, Serialize};

use super::actor_user;
use crate::authority;
use crate::boundary::output::{Effect, Event, Object, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::model::{Channel, ChannelMember, User};
use crate::rows::id::{ChannelNo, UserNo};
use crate::rows::tx::{Read, Tx};

/// Makes a member of a channel its admin, or no longer.
///
/// # Errors
/// The actor does not administer the channel (`manage_channel_roles`); the user is not a member, or belongs to another
/// workspace; a direct or group channel has no admins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetChannelRoles {
    /// The channel.
    pub channel: ChannelNo,
    /// The member.
    pub user: UserNo,
    /// Whether the member is to be an admin.
    pub is_admin: bool,
}
texts!(struct SetChannelRoles {
    channel,
    user,
    is_admin,
});

impl Act for SetChannelRoles {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let key = (self.channel, self.user);
        let by = actor_user(tx, by.actor)?;
        let channel = tx.get::<Channel>(&self.channel);
        let channel = channel.ok_or_else(Refusal::forbidden)?;
        if by.is_some_and(|user| !authority::is_channel_admin(tx, self.channel, user)) {
            return Err(Refusal::forbidden());
        }
        if channel.place.team().is_none() {
            return Err(Refusal::new(
                400,
                "api.channel.update_channel_member_roles.type.app_error",
                "The members of a direct or group channel all have the same role.",
            ));
        }
        let member = tx.get::<ChannelMember>(&key);
        let mut member = member.ok_or_else(|| {
            Refusal::new(
                404,
                "app.channel.get_member.missing.app_error",
                "This user is not a member of the channel.",
            )
        })?;
        let user = tx.get::<User>(&self.user);
        if user.is_none_or(|user| !user.origin.is_ours()) {
            // Users of other workspaces administer nothing here.
            return Err(Refusal::forbidden());
        }
        if member.is_admin != self.is_admin {
            member.is_admin = self.is_admin;
            member.update_at = tx.now_ms();
            tx.put(&key, &member);
            let event = Event::ChannelMemberUpdated(self.channel, self.user);
            tx.effect(Effect::Event(event));
        }
        Ok(Reply::Object(Object::ChannelMember(
            self.channel,
            self.user,
        )))
    }
}
