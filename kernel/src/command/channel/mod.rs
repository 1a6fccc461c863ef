//! Channels.

mod add_member;
mod archive;
mod convert;
mod create;
mod fields;
mod mark_unread;
mod open_direct;
mod open_group;
mod patch;
mod remove_member;
mod set_roles;
mod view;

pub use add_member::AddChannelMember;
pub use archive::{ArchiveChannel, RestoreChannel};
pub use convert::ConvertChannel;
pub use create::CreateChannel;
pub use mark_unread::MarkUnread;
pub use open_direct::OpenDirectChannel;
pub use open_group::OpenGroupChannel;
pub use patch::{ChannelPatch, PatchChannel};
pub use remove_member::RemoveChannelMember;
pub use set_roles::SetChannelRoles;
pub use view::ViewChannel;

use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::model::limits::DIRECT_CHANNELS_PER_USER_MAX;
use crate::model::{Channel, ChannelKind, ChannelMember, Place};
use crate::objects::channels as stored;
use crate::objects::direct::{self, NewDirect, Participants};
use crate::rows::id::{ChannelNo, Id, TeamNo, UserNo, WorkspaceNo};
use crate::rows::lookup;
use crate::rows::tx::Tx;
use crate::sharing;

/// The fields of a new local channel, already checked.
pub(super) struct NewChannel<'n> {
    pub(super) team: TeamNo,
    pub(super) name: &'n str,
    pub(super) display_name: &'n str,
    pub(super) header: &'n str,
    pub(super) purpose: &'n str,
    pub(super) kind: ChannelKind,
    pub(super) creator: Option<UserNo>,
}

/// Stores a new local channel, without members.
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

/// A membership after the user has seen everything in the channel.
pub(super) fn seen(member: &ChannelMember, channel: &Channel) -> ChannelMember {
    ChannelMember {
        last_viewed_at: member.last_viewed_at.max(channel.last_post_at),
        msg_count: channel.msg_count,
        root_msg_count: channel.root_msg_count,
        seen_at: channel.last_update_at,
        ..member.clone()
    }
}

/// The acting user; `None` for the operator.
fn actor_user(tx: &Tx<'_>, actor: Actor) -> Result<Option<UserNo>, Refusal> {
    match actor {
        Actor::System => Ok(None),
        _ => authority::acting_user(tx, actor).map(Some),
    }
}

/// The channel of some people, opened if there is none yet.
fn open(tx: &mut Tx<'_>, opener: UserNo, people: &Participants) -> Result<Reply, Refusal> {
    if let Some(no) = people.channel(tx) {
        if sharing::direct::is_on(tx) {
            sharing::direct::renew(tx, no, people, opener);
        }
        return Ok(Reply::Object(Object::Channel(no)));
    }
    sharing::direct::check(tx, people)?;
    if direct::take_places(tx, people, WorkspaceNo::OURS).is_err() {
        return Err(Refusal::new(
            400,
            "causeway.channel.direct_max.app_error",
            format!(
                "One of these people is already in {DIRECT_CHANNELS_PER_USER_MAX} direct and group channels, \
                 and cannot be in more."
            ),
        ));
    }
    sharing::direct::may_open(tx, people, opener)?;
    let new = NewDirect {
        id: id_for(tx, people),
        origin: WorkspaceNo::OURS,
        creator: Some(opener),
    };
    let no = direct::insert(tx, people, &new);
    sharing::direct::share(tx, no, people, opener);
    Ok(Reply::Object(Object::Channel(no)))
}

/// The id that the other workspaces compute too, unless a peer has taken it for another channel.
fn id_for(tx: &mut Tx<'_>, people: &Participants) -> Id {
    if !sharing::direct::any_remote(tx, people) {
        return tx.new_id();
    }
    let id = sharing::direct::shared_id(people);
    if lookup::channel(tx, id.as_str()).is_some() {
        return tx.new_id();
    }
    id
}
