//! I11: membership and roles never widen because of a peer, and access to a team never follows
//! from access to a channel.
//!
//! A peer can bring about only this: a user of its own is an ordinary user,
//! and an ordinary member of a channel that is shared with it and of that channel's team, as in
//! the reference; the user who made the connection becomes a member, and administers the copy, of a
//! channel that the peer offers; and, where that is allowed, users of this workspace and of the peer become
//! the members of a direct or group channel that is new.

use causeway_kernel::boundary::input::Input;
use causeway_kernel::command::Command;
use causeway_kernel::model::{
    Channel, ChannelMember, Connection, Link, LinkState, RolePermissions, Team, TeamMember,
    TeamRoles, User,
};
use causeway_kernel::rows::counters;
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, TeamNo, UserNo};
use causeway_kernel::rows::key;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Read;

use super::step::Step;
use super::{ROLES, Violation, broken};
use crate::story;

/// The only role of a peer's user.
const ORDINARY: &str = "system_user";

/// Judges a step.
///
/// # Errors
/// If somebody may do more than a user or an admin of this workspace wanted.
pub fn check(step: &Step<'_>) -> Result<(), Violation> {
    let (is_asked, may_join_team) = match step.input {
        Input::Genesis(_) => return Ok(()),
        Input::Command { command, .. } => (true, is_about_teams(command)),
        Input::Frame { .. }
        | Input::FramePart { .. }
        | Input::Quarantine { .. }
        | Input::Receipt(_)
        | Input::Ping { .. }
        | Input::Timer
        | Input::DuePart(_)
        | Input::Resume
        | Input::Restored
        | Input::PolicyChanged { .. }
        | Input::KernelChanged { .. }
        | Input::Statuses(_)
        | Input::Upload { .. }
        | Input::Picture { .. } => (false, false),
    };
    check_direct(step)?;
    if !is_asked {
        check_users(step)?;
        check_grants(step)?;
        check_places(step)?;
        check_channel_members(step)?;
        check_visitors(step)?;
    }
    if !may_join_team {
        check_team_members(step, is_asked)?;
    }
    Ok(())
}

fn is_about_teams(command: &Command) -> bool {
    match command {
        Command::CreateUser(_)
        | Command::CreateTeam(_)
        | Command::AddTeamMember { .. }
        | Command::SetTeamRoles(_)
        | Command::SetChannelRoles(_)
        | Command::RemoveTeamMember(_) => true,
        Command::PatchUser { .. }
        | Command::CreateChannel(_)
        | Command::OpenDirectChannel(_)
        | Command::OpenGroupChannel(_)
        | Command::AddChannelMember { .. }
        | Command::RemoveChannelMember { .. }
        | Command::ViewChannel { .. }
        | Command::CreatePost(_)
        | Command::EditPost { .. }
        | Command::DeletePost { .. }
        | Command::AddReaction { .. }
        | Command::RemoveReaction { .. }
        | Command::AcknowledgePost { .. }
        | Command::WithdrawAcknowledgement { .. }
        | Command::CreateConnection(_)
        | Command::AcceptConnection(_)
        | Command::ConfirmConnection { .. }
        | Command::AbandonConnection { .. }
        | Command::RemoveConnection { .. }
        | Command::AttachConnection { .. }
        | Command::InviteToChannel { .. }
        | Command::UninviteFromChannel { .. }
        | Command::UnshareChannel { .. }
        | Command::Configure { .. }
        | Command::ConfigureConnectedWorkspaces { .. }
        | Command::SetPersonal(_)
        | Command::PatchConnection { .. }
        | Command::AnswerChannelInvitation(_)
        | Command::ArchiveChannel(_)
        | Command::RestoreChannel(_)
        | Command::PatchChannel(_)
        | Command::ConvertChannel(_)
        | Command::PatchTeam(_)
        | Command::ArchiveTeam(_)
        | Command::RestoreTeam(_)
        | Command::MarkUnread(_)
        | Command::AddEmoji(_)
        | Command::RemoveEmoji(_)
        | Command::SetPicture(_)
        | Command::SetCustomStatus(_)
        | Command::SetBot(_)
        | Command::SetActive(_)
        | Command::SetRoles(_)
        | Command::PatchRole(_)
        | Command::AddFile(_)
        | Command::ConfigureFiles(_)
        | Command::UseComponent(_)
        | Command::RelocateConnection(_) => false,
    }
}

fn check_users(step: &Step<'_>) -> Result<(), Violation> {
    for (_, old, new) in step.put::<User>() {
        let is_wider = if new.origin.is_ours() {
            old.is_none_or(|old| (old.roles, old.origin) != (new.roles.clone(), new.origin))
        } else {
            new.roles != ORDINARY || old.is_some_and(|old| old.origin != new.origin)
        };
        if is_wider {
            return widened(
                step,
                &format!("{} has the roles “{}”", new.username, new.roles),
            );
        }
    }
    Ok(())
}

/// What roles grant, and which further ones somebody has, is decided here alone.
fn check_grants(step: &Step<'_>) -> Result<(), Violation> {
    if step.put::<RolePermissions>().next().is_some() {
        return widened(step, "a role grants something else");
    }
    if step.put::<TeamRoles>().next().is_some() {
        return widened(step, "somebody has a further role in a team");
    }
    Ok(())
}

/// Teams are controlled by this workspace alone, and a channel's visibility by its origin.
fn check_places(step: &Step<'_>) -> Result<(), Violation> {
    if let Some((_, _, team)) = step.put::<Team>().next() {
        return widened(step, &format!("the team {} is another", team.name));
    }
    for (_, old, new) in step.put::<Channel>() {
        let Some(old) = old else { continue };
        let place = |row: &Channel| (row.origin, row.place, row.read_only, row.id);
        if place(&old) != place(&new) {
            return widened(step, &format!("the channel {} is another", new.name));
        }
    }
    Ok(())
}

fn check_channel_members(step: &Step<'_>) -> Result<(), Violation> {
    for (at, old, new) in step.put::<ChannelMember>() {
        let Some((_, user)) = key::decode::<(ChannelNo, UserNo)>(at) else {
            continue;
        };
        let was_admin = old.as_ref().is_some_and(|old| old.is_admin);
        let joins = old.is_none() && is_ours(step, user);
        let is_wider = joins || (new.is_admin && !was_admin);
        if is_wider && !is_host_of(step, user) && !is_of_new_direct(step, at, &new) {
            return widened(step, &format!("user {user:?} is a member of a channel"));
        }
    }
    Ok(())
}

/// A peer adds its own users only, to channels that are shared with it, and removes nobody else.
fn check_visitors(step: &Step<'_>) -> Result<(), Violation> {
    let (Input::Frame { connection, .. } | Input::FramePart { connection, .. }) = step.input else {
        return Ok(());
    };
    let peer = step.rows.get::<Connection>(connection);
    let changes = step
        .changes()
        .filter(|(write, _)| write.table == Table::ChannelMembers);
    for (write, old) in changes.filter(|(write, old)| old.is_some() != write.value.is_some()) {
        let Some((channel, user)) = key::decode::<(ChannelNo, UserNo)>(&write.key) else {
            continue;
        };
        let home = step.rows.get::<User>(&user).map(|user| user.origin);
        let is_own = peer.as_ref().map(|peer| peer.workspace) == home;
        let link = step.rows.get::<Link>(&(channel, *connection));
        let is_shared = link.is_some_and(|link| link.state != LinkState::Ended);
        let is_host = old.is_none() && is_host_of(step, user);
        if new_direct(step).any(|no| no == channel) {
            continue;
        }
        if !(is_host || is_own && is_shared) {
            return widened(step, &format!("user {user:?} joined or left {channel:?}"));
        }
    }
    Ok(())
}

/// Whether a member is one of the first of a direct or group channel, who administers nothing.
fn is_of_new_direct(step: &Step<'_>, key: &[u8], new: &ChannelMember) -> bool {
    let channel = key::decode::<(ChannelNo, UserNo)>(key).map(|(channel, _)| channel);
    !new.is_admin && new_direct(step).any(|no| Some(no) == channel)
}

/// The direct and group channels that a step opened.
fn new_direct(step: &Step<'_>) -> impl Iterator<Item = ChannelNo> {
    let opened = step
        .put::<Channel>()
        .filter(|(_, old, new)| old.is_none() && new.place.team().is_none());
    opened.filter_map(|(at, _, _)| key::decode::<ChannelNo>(at))
}

/// Nobody is in a new direct or group channel with people of another workspace against the setting, nor
/// without one of this workspace.
fn check_direct(step: &Step<'_>) -> Result<(), Violation> {
    let is_on = counters::connected_workspaces(step.rows).direct;
    for no in new_direct(step) {
        let members = step.rows.prefix::<ChannelMember, _>(&no, 99);
        let locals = members.iter().filter(|((_, user), _)| is_ours(step, *user));
        let locals = locals.count();
        if locals == 0 || (locals < members.len() && !is_on) {
            return widened(
                step,
                "a direct or group channel has members that it may not have",
            );
        }
    }
    Ok(())
}

fn check_team_members(step: &Step<'_>, is_asked: bool) -> Result<(), Violation> {
    for (at, old, new) in step.put::<TeamMember>() {
        let Some((_, user)) = key::decode::<(TeamNo, UserNo)>(at) else {
            continue;
        };
        let was = old.filter(|old| old.delete_at == 0);
        let joins = was.is_none() && new.delete_at == 0;
        let rises = new.is_admin && !was.is_some_and(|old| old.is_admin);
        let is_ours = is_ours(step, user);
        let may_join = !is_asked && (!is_ours || is_host_of(step, user));
        if rises || (joins && !may_join) {
            return widened(step, &format!("user {user:?} is a member of a team"));
        }
    }
    Ok(())
}

fn is_ours(step: &Step<'_>, user: UserNo) -> bool {
    let row = step.rows.get::<User>(&user);
    row.is_none_or(|row| row.origin.is_ours())
}

/// Whether a user created the connection over which the step's input came.
fn is_host_of(step: &Step<'_>, user: UserNo) -> bool {
    let (Input::Frame { connection, .. } | Input::FramePart { connection, .. }) = step.input else {
        return false;
    };
    let connection: &ConnectionNo = connection;
    let row = step.rows.get::<Connection>(connection);
    row.is_some_and(|row| row.creator == user)
}

fn widened(step: &Step<'_>, what: &str) -> Result<(), Violation> {
    Err(broken(
        ROLES,
        format!(
            "node {}: {what}, because of {}",
            step.node,
            story::input(step.input)
        ),
    ))
}
