//! Teams and who is in them.

use super::channel::{self, NewChannel};
use super::{CreateTeam, notice, user};
use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::{Object, Refusal};
use crate::model::limits::{DISPLAY_NAME_CHARS_MAX, TEAM_DESCRIPTION_CHARS_MAX};
use crate::model::naming;
use crate::model::{ChannelKind, Team, User, kind};
use crate::objects::members;
use crate::rows::id::{ChannelNo, TeamNo, UserNo};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};

/// The channel that nobody leaves.
pub const DEFAULT_CHANNEL: &str = "town-square";
/// The channels of every new team, with their display names; everybody joins them.
pub const DEFAULT_CHANNELS: [(&str, &str); 2] =
    [(DEFAULT_CHANNEL, "Town Square"), ("off-topic", "Off-Topic")];

/// Makes a team with its default channels; who makes it administers it.
pub(super) fn create(tx: &mut Tx<'_>, actor: Actor, new: &CreateTeam) -> Result<Object, Refusal> {
    let creator = match actor {
        Actor::System => None,
        _ => Some(authority::acting_user(tx, actor)?),
    };
    let name = new.name.to_ascii_lowercase();
    check(&name, new)?;
    if lookup::team_name(tx, &name).is_some() {
        return Err(Refusal::new(
            400,
            "app.team.save.existing.app_error",
            "A team with that name already exists.",
        ));
    }
    let team_no = tx.next_team();
    let now_ms = tx.now_ms();
    let team = Team {
        id: tx.new_id(),
        create_at: now_ms,
        update_at: now_ms,
        delete_at: 0,
        display_name: new.display_name.clone(),
        name,
        description: new.description.clone(),
        is_open: new.is_open,
    };
    tx.bind_id(kind::TEAM, team.id, team_no.0);
    tx.bind_name(kind::TEAM_NAME, &team.name, team_no.0);
    tx.put(&team_no, &team);
    for (name, display_name) in DEFAULT_CHANNELS {
        let new = NewChannel {
            team: team_no,
            name,
            display_name,
            header: "",
            purpose: "",
            kind: ChannelKind::Public,
            creator: None,
        };
        channel::insert(tx, &new);
    }
    if let Some(creator) = creator {
        join(tx, team_no, creator, None, true);
    }
    Ok(Object::Team(team_no))
}

fn check(name: &str, new: &CreateTeam) -> Result<(), Refusal> {
    let invalid = |field: &str| {
        Refusal::new(
            400,
            &format!("model.team.is_valid.{field}.app_error"),
            format!("Invalid {}.", field.replace('_', " ")),
        )
    };
    if naming::is_reserved_team_name(name) {
        return Err(Refusal::new(
            400,
            "model.team.is_valid.reserved.app_error",
            "This name is used by the web address of another page. Choose another one.",
        ));
    }
    let display_name = new.display_name.chars().count();
    if !naming::is_team_name(name) {
        Err(invalid("url"))
    } else if !(1..=DISPLAY_NAME_CHARS_MAX).contains(&display_name) {
        Err(invalid("name"))
    } else if new.description.chars().count() > TEAM_DESCRIPTION_CHARS_MAX {
        Err(invalid("description"))
    } else {
        Ok(())
    }
}

/// Adds a local user to a team and its default channels; a member stays as it is.
pub(super) fn add_member(
    tx: &mut Tx<'_>,
    actor: Actor,
    team_no: TeamNo,
    user_no: UserNo,
) -> Result<Object, Refusal> {
    let team = tx
        .get::<Team>(&team_no)
        .filter(|team| team.delete_at == 0)
        .ok_or_else(missing)?;
    let by = match actor {
        Actor::System => None,
        _ => Some(authority::acting_user(tx, actor)?),
    };
    if let Some(by) = by {
        let invited = authority::is_team_member(tx, team_no, by);
        let joins = by == user_no && team.is_open;
        if !invited && !joins && !authority::is_system_admin(tx, by) {
            return Err(Refusal::forbidden());
        }
    }
    let target = tx.get::<User>(&user_no).filter(|user| user.delete_at == 0);
    // A peer's users come into a team with the channels that are shared with them, never by hand.
    target
        .filter(|user| user.origin.is_ours())
        .ok_or_else(user::missing)?;
    if !authority::is_team_member(tx, team_no, user_no) {
        join(tx, team_no, user_no, by.filter(|by| *by != user_no), false);
    }
    Ok(Object::TeamMember(team_no, user_no))
}

fn join(tx: &mut Tx<'_>, team: TeamNo, user: UserNo, by: Option<UserNo>, is_admin: bool) {
    members::join_team(tx, team, user, is_admin);
    for (name, _) in DEFAULT_CHANNELS {
        let Some(channel) = lookup::channel_name(tx, team, name) else {
            continue;
        };
        if members::join_channel(tx, channel, user, is_admin) {
            announce(tx, channel, name, user, by);
        }
    }
}

fn announce(tx: &mut Tx<'_>, channel: ChannelNo, name: &str, user: UserNo, by: Option<UserNo>) {
    match (by, name == DEFAULT_CHANNEL) {
        (None, true) => notice::joined_team(tx, channel, user),
        (None, false) => notice::joined_channel(tx, channel, user),
        (Some(by), true) => notice::added_to_team(tx, channel, user, by),
        (Some(by), false) => notice::added_to_channel(tx, channel, user, by),
    }
}

fn missing() -> Refusal {
    Refusal::new(
        404,
        "app.team.get.find.app_error",
        "Unable to find the team.",
    )
}
