//! Channels.

mod add_member;
mod create;
mod remove_member;
mod view;

pub use add_member::AddChannelMember;
pub use create::CreateChannel;
pub use remove_member::RemoveChannelMember;
pub use view::ViewChannel;

use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::Refusal;
use crate::model::{Channel, ChannelKind, ChannelMember, Place};
use crate::objects::channels as stored;
use crate::rows::id::{ChannelNo, TeamNo, UserNo, WorkspaceNo};
use crate::rows::tx::Tx;

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
