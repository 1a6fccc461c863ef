//! Adding somebody to a channel.

use serde::{Deserialize, Serialize};

use super::actor_user;
use crate::authority;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::command::{notice, user};
use crate::model::{Channel, User};
use crate::objects::members;
use crate::rows::id::{ChannelNo, UserNo, WorkspaceNo};
use crate::rows::tx::{Read, Tx};
use crate::sharing::feed;

/// Adds a user to a channel; an existing member is left unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddChannelMember {
    /// The channel.
    pub channel: ChannelNo,
    /// The user.
    pub user: UserNo,
}
texts!(struct AddChannelMember { channel, user });

impl Act for AddChannelMember {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let AddChannelMember {
            channel: channel_no,
            user: user_no,
        } = *self;
        let by = actor_user(tx, by.actor)?;
        let channel = tx
            .get::<Channel>(&channel_no)
            .ok_or_else(Refusal::forbidden)?;
        if let Some(by) = by {
            may_add(tx, channel_no, &channel, by, user_no)?;
        }
        if channel.delete_at != 0 {
            return Err(Refusal::new(
                400,
                "api.channel.add_user_to_channel.deleted.app_error",
                "This channel is archived; nobody can join it.",
            ));
        }
        let target = tx
            .get::<User>(&user_no)
            .filter(|user| user.delete_at == 0)
            .ok_or_else(user::missing)?;
        if authority::is_channel_member(tx, channel_no, user_no) {
            return Ok(Reply::Object(Object::ChannelMember(channel_no, user_no)));
        }
        if !target.origin.is_ours() && !reaches(tx, channel_no, target.origin) {
            return Err(Refusal::new(
                400,
                "api.channel.add_user.to.channel.failed.app_error",
                "This user belongs to another workspace; share the channel with it first.",
            ));
        }
        let Some(team) = channel.place.team() else {
            return Err(members_are_fixed());
        };
        if !authority::is_team_member(tx, team, user_no) {
            return Err(Refusal::new(
                404,
                "app.team.get_member.missing.app_error",
                "This user is not a member of the channel's team.",
            ));
        }
        members::join_channel(tx, channel_no, user_no, false);
        match by.filter(|by| *by != user_no) {
            None => notice::joined_channel(tx, channel_no, user_no),
            Some(by) => notice::added_to_channel(tx, channel_no, user_no, by),
        }
        Ok(Reply::Object(Object::ChannelMember(channel_no, user_no)))
    }
}

/// Members may add others; anyone in the team may join its public channels.
fn may_add(
    tx: &Tx<'_>,
    channel_no: ChannelNo,
    channel: &Channel,
    by: UserNo,
    user_no: UserNo,
) -> Result<(), Refusal> {
    let member = authority::is_channel_member(tx, channel_no, by);
    let in_public = channel.place.public_in();
    let joins =
        by == user_no && in_public.is_some_and(|team| authority::is_team_member(tx, team, by));
    if member || joins || authority::is_system_admin(tx, by) {
        Ok(())
    } else {
        Err(Refusal::forbidden())
    }
}

fn members_are_fixed() -> Refusal {
    Refusal::new(
        400,
        "api.channel.add_members.user_denied",
        "The members of a direct or group channel never change.",
    )
}

/// Whether a channel is shared with a workspace.
fn reaches(tx: &Tx<'_>, channel_no: ChannelNo, workspace: WorkspaceNo) -> bool {
    feed::channel_followers(tx, channel_no)
        .iter()
        .any(|one| one.workspace == workspace)
}
