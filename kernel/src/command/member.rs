//! Who is in a channel.

use super::team::DEFAULT_CHANNEL;
use super::{notice, user};
use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::{Object, Refusal};
use crate::model::{Channel, User};
use crate::objects::members;
use crate::rows::id::{ChannelNo, UserNo, WorkspaceNo};
use crate::rows::tx::{Read, Tx};
use crate::sharing::feed;

/// Adds a user to a channel; a member stays as it is.
pub(super) fn add(
    tx: &mut Tx<'_>,
    actor: Actor,
    channel_no: ChannelNo,
    user_no: UserNo,
) -> Result<Object, Refusal> {
    let by = actor_user(tx, actor)?;
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
        return Ok(Object::ChannelMember(channel_no, user_no));
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
    Ok(Object::ChannelMember(channel_no, user_no))
}

/// Members add others; everybody of the team joins public channels by themselves.
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

/// Removes a user from a channel: oneself, or another as a member of it.
pub(super) fn remove(
    tx: &mut Tx<'_>,
    actor: Actor,
    channel_no: ChannelNo,
    user_no: UserNo,
) -> Result<Object, Refusal> {
    let by = actor_user(tx, actor)?;
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
    Ok(Object::ChannelMember(channel_no, user_no))
}

/// The user who acts; `None` for the operator.
fn actor_user(tx: &Tx<'_>, actor: Actor) -> Result<Option<UserNo>, Refusal> {
    match actor {
        Actor::System => Ok(None),
        _ => authority::acting_user(tx, actor).map(Some),
    }
}
