//! Storage of memberships of teams and channels, without permission checks.

use crate::authority::is_team_member;
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::boundary::output::{Effect, Event};
use crate::model::{Channel, ChannelMember, Job, TeamMember, TeamRoles, UserChannel, UserTeam};
use crate::objects::{memberships, statuses};
use crate::rows::id::{ChannelNo, TeamNo, UserNo};
use crate::rows::tx::{Read, Tx};
use crate::rows::{jobs, key};

/// Makes a user a member of a team; an existing member is left unchanged. Returns whether anything changed.
pub fn join_team(tx: &mut Tx<'_>, team: TeamNo, user: UserNo, is_admin: bool) -> bool {
    let key = (team, user);
    let now_ms = tx.now_ms();
    let member = match tx.get::<TeamMember>(&key) {
        Some(member) if member.delete_at == 0 => return false,
        Some(member) => TeamMember {
            delete_at: 0,
            is_admin,
            ..member
        },
        None => TeamMember {
            create_at: now_ms,
            delete_at: 0,
            is_admin,
        },
    };
    tx.put(&key, &member);
    tx.put(&(user, team), &UserTeam);
    if may_hear(tx, user) {
        tx.effect(Effect::Event(Event::AddedToTeam(team, user)));
    }
    true
}

/// Ends a user's membership of a team, and of its channels: of the first ones at once, a job goes on with the rest.
/// Returns whether there was one.
pub fn leave_team(tx: &mut Tx<'_>, team: TeamNo, user: UserNo) -> bool {
    let key = (team, user);
    let member = tx.get::<TeamMember>(&key);
    let Some(mut member) = member.filter(|member| member.delete_at == 0) else {
        return false;
    };
    member.delete_at = tx.now_ms();
    member.is_admin = false;
    tx.put(&key, &member);
    tx.delete::<UserTeam>(&(user, team));
    tx.delete::<TeamRoles>(&key);
    tx.effect(Effect::Event(Event::LeftTeam(team, user)));
    if let Some(rest) = leave_channels(tx, team, user, ChannelNo(0)) {
        jobs::start(tx, rest);
    }
    true
}

/// Carries out a portion of [`Job::LeaveChannels`]; returns the continued job, if any. Who is a member of the team
/// again stays in the channels that are left.
pub fn leave_channels(
    tx: &mut Tx<'_>,
    team: TeamNo,
    user: UserNo,
    position: ChannelNo,
) -> Option<Job> {
    if is_team_member(tx, team, user) {
        return None;
    }
    let from = key::encode(&(user, ChannelNo(position.0.saturating_add(1))));
    let found = tx.rows::<UserChannel>(&jobs::range(from, &key::encode(&user)));
    for ((_, channel), _) in &found {
        let place = tx.channel(*channel).map(|channel| channel.place);
        if place.is_some_and(|place| place.team() == Some(team)) {
            leave_channel(tx, *channel, user);
        }
    }
    found.last().map(|((_, channel), _)| Job::LeaveChannels {
        team,
        user,
        position: *channel,
    })
}

/// Whether a user can be logged in here; only logged-in users receive events addressed to one user.
fn may_hear(tx: &Tx<'_>, user: UserNo) -> bool {
    let is_local = tx.user(user).is_some_and(|user| user.origin.is_ours());
    is_local || !Behaviour::BoundedUsers.is_in_force(tx)
}

/// Makes a user a member of a channel; an existing member is left unchanged. Returns whether anything
/// changed.
pub fn join_channel(tx: &mut Tx<'_>, channel: ChannelNo, user: UserNo, is_admin: bool) -> bool {
    let joined = add(tx, channel, user, is_admin);
    if joined {
        memberships::changed(tx, (channel, user), true);
        tx.effect(Effect::Event(Event::UserAdded(channel, user)));
        statuses::tell_again(tx, user);
    }
    joined
}

/// [`join_channel`] without an event, for the first members of a channel that is announced as a whole.
pub fn add(tx: &mut Tx<'_>, channel: ChannelNo, user: UserNo, is_admin: bool) -> bool {
    let key = (channel, user);
    if tx.has::<ChannelMember>(&key) {
        return false;
    }
    let seen = |channel: Channel| {
        (
            channel.msg_count,
            channel.root_msg_count,
            channel.last_update_at,
        )
    };
    let seen = tx.get::<Channel>(&channel).map(seen);
    let (msg_count, root_msg_count, seen_at) = seen.unwrap_or_default();
    let now_ms = tx.now_ms();
    let member = ChannelMember {
        create_at: now_ms,
        update_at: now_ms,
        is_admin,
        last_viewed_at: 0,
        msg_count,
        root_msg_count,
        seen_at,
    };
    tx.put(&key, &member);
    tx.put(&(user, channel), &UserChannel);
    true
}

/// Ends a user's membership of a channel. Returns whether there was one.
pub fn leave_channel(tx: &mut Tx<'_>, channel: ChannelNo, user: UserNo) -> bool {
    let key = (channel, user);
    if !tx.has::<ChannelMember>(&key) {
        return false;
    }
    tx.delete::<ChannelMember>(&key);
    tx.delete::<UserChannel>(&(user, channel));
    memberships::changed(tx, key, false);
    tx.effect(Effect::Event(Event::UserRemoved(channel, user)));
    true
}
