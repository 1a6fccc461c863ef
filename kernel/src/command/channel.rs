//! Channels.

use super::{CreateChannel, notice};
use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::{Object, Refusal};
use crate::model::limits::{
    CHANNELS_PER_TEAM_MAX, DISPLAY_NAME_CHARS_MAX, HEADER_CHARS_MAX, PURPOSE_CHARS_MAX,
};
use crate::model::naming;
use crate::model::{Channel, ChannelKind, ChannelMember, Place, Team};
use crate::objects::channels as stored;
use crate::objects::members;
use crate::rows::id::{ChannelNo, TeamNo, UserNo, WorkspaceNo};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};

/// What a channel of ours is made from; checked before.
pub(super) struct NewChannel<'n> {
    pub(super) team: TeamNo,
    pub(super) name: &'n str,
    pub(super) display_name: &'n str,
    pub(super) header: &'n str,
    pub(super) purpose: &'n str,
    pub(super) kind: ChannelKind,
    pub(super) creator: Option<UserNo>,
}

/// Makes a channel; who makes it administers it.
pub(super) fn create(
    tx: &mut Tx<'_>,
    actor: Actor,
    new: &CreateChannel,
) -> Result<Object, Refusal> {
    let creator = match actor {
        Actor::System => None,
        _ => Some(authority::acting_user(tx, actor)?),
    };
    let team = tx.get::<Team>(&new.team).filter(|team| team.delete_at == 0);
    let allowed = creator.is_none_or(|creator| {
        authority::is_team_member(tx, new.team, creator) || authority::is_system_admin(tx, creator)
    });
    if team.is_none() || !allowed {
        return Err(Refusal::forbidden());
    }
    let name = new.name.to_ascii_lowercase();
    check(&name, new)?;
    if lookup::channel_name(tx, new.team, &name).is_some() {
        return Err(Refusal::new(
            400,
            "store.sql_channel.save_channel.exists.app_error",
            "A channel with that name already exists on the same team.",
        ));
    }
    if stored::team_is_full(tx, new.team) {
        return Err(Refusal::new(
            400,
            "api.channel.create_channel.max_channel_limit.app_error",
            format!("A team holds at most {CHANNELS_PER_TEAM_MAX} channels."),
        ));
    }
    let new = NewChannel {
        team: new.team,
        name: &name,
        display_name: if new.display_name.is_empty() {
            &name
        } else {
            &new.display_name
        },
        header: &new.header,
        purpose: &new.purpose,
        kind: new.kind,
        creator,
    };
    let channel_no = insert(tx, &new);
    if let Some(creator) = creator {
        members::join_channel(tx, channel_no, creator, true);
        notice::joined_channel(tx, channel_no, creator);
    }
    Ok(Object::Channel(channel_no))
}

fn check(name: &str, new: &CreateChannel) -> Result<(), Refusal> {
    let invalid = |field: &str, text: &str| {
        Refusal::new(
            400,
            &format!("model.channel.is_valid.{field}.app_error"),
            text,
        )
    };
    if !naming::is_channel_name(name) || naming::is_direct_channel_name(name) {
        return Err(invalid(
            "1_or_more",
            "Name must be 1 or more lowercase alphanumeric characters, dashes or underscores.",
        ));
    }
    if new.display_name.chars().count() > DISPLAY_NAME_CHARS_MAX {
        return Err(invalid("display_name", "Invalid display name."));
    }
    if new.header.chars().count() > HEADER_CHARS_MAX {
        return Err(invalid("header", "Invalid header."));
    }
    if new.purpose.chars().count() > PURPOSE_CHARS_MAX {
        return Err(invalid("purpose", "Invalid purpose."));
    }
    Ok(())
}

/// Stores a channel of ours, without members.
pub(super) fn insert(tx: &mut Tx<'_>, new: &NewChannel<'_>) -> ChannelNo {
    let now_ms = tx.now_ms();
    let channel = Channel {
        id: tx.new_id(),
        origin: WorkspaceNo::OURS,
        place: Place::Team {
            team: new.team,
            kind: new.kind,
        },
        create_at: now_ms,
        update_at: now_ms,
        delete_at: 0,
        display_name: new.display_name.to_string(),
        name: new.name.to_string(),
        header: new.header.to_string(),
        purpose: new.purpose.to_string(),
        creator: new.creator,
        last_post_at: 0,
        last_root_post_at: 0,
        last_update_at: 0,
        msg_count: 0,
        root_msg_count: 0,
        read_only: false,
        shared: false,
    };
    stored::insert(tx, &channel)
}

/// Notes that the actor has seen everything in a channel.
pub(super) fn view(
    tx: &mut Tx<'_>,
    actor: Actor,
    channel_no: ChannelNo,
) -> Result<Object, Refusal> {
    let user = authority::acting_user(tx, actor)?;
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
    Ok(Object::ChannelMember(channel_no, user))
}

/// A membership after everything in the channel was seen.
pub(super) fn seen(member: &ChannelMember, channel: &Channel) -> ChannelMember {
    ChannelMember {
        last_viewed_at: member.last_viewed_at.max(channel.last_post_at),
        msg_count: channel.msg_count,
        root_msg_count: channel.root_msg_count,
        ..member.clone()
    }
}
