//! What a peer may do. Everything in a frame is [`Received`]; only what this module has checked becomes
//! [`Authorized`], and only that can be applied: the constructor is private here.
//!
//! The rules: the peer is the authenticated connection, never what a frame claims. A peer may create and
//! change the users of its own workspace; write posts by them, and change and delete posts that were written
//! there, in channels that are shared with this very connection; add and remove reactions and
//! acknowledgements of its users on posts of such a channel; set the pictures and statuses of its users; and add its users to
//! such a channel and remove them from it.

mod acknowledgements;
mod memberships;
mod pictures;
mod posts;
mod reactions;
mod statuses;
mod users;

pub use acknowledgements::{AcknowledgementChange, acknowledgement};
pub use memberships::{MembershipChange, membership};
pub use pictures::picture;
pub use posts::{PostAct, PostChange, post};
pub use reactions::{ReactionChange, reaction};
pub use statuses::{StatusChange, status};
pub use users::{UserAct, UserChange, user};

use super::Reason;
use crate::authority::is_channel_member;
use crate::model::limits::TIME_MAX_MS;
use crate::model::{Connection, ConnectionState, Link, LinkState, Post, User};
use crate::rows::id::{ChannelNo, ConnectionNo, Id, PostNo, TeamNo, UserNo};
use crate::rows::lookup;
use crate::rows::tx::Read;
use crate::sharing::directory::NO_CHANNEL;
use crate::sharing::notice;

/// Who sent a frame: the authenticated connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its number.
    pub no: ConnectionNo,
    /// Its record.
    pub row: Connection,
}

impl Peer {
    /// The peer of a connection, if that is entitled to send: an invitation that nobody has confirmed yet and
    /// a removed connection are not.
    pub fn load(rows: &(impl Read + ?Sized), no: ConnectionNo) -> Option<Peer> {
        let row = rows.get::<Connection>(&no)?;
        let speaks = matches!(
            row.state,
            ConnectionState::Confirming | ConnectionState::Confirmed
        );
        speaks.then_some(Peer { no, row })
    }

    fn owns_user(&self, user: &User) -> bool {
        !user.origin.is_ours() && user.origin == self.row.workspace
    }

    fn owns_post(&self, post: &Post) -> bool {
        !post.origin.is_ours() && post.origin == self.row.workspace
    }
}

/// Something that a peer sent and that has not been checked.
#[derive(Clone, Debug)]
pub struct Received<T>(T);

impl<T> Received<T> {
    /// Marks something as received from a peer.
    pub fn new(item: T) -> Received<T> {
        Received(item)
    }
}

/// Something that a peer may do. It holds for the rows that it was checked against; an item that earlier
/// items may have affected is authorised again.
#[derive(Clone, Debug)]
pub struct Authorized<T>(T);

impl<T> Authorized<T> {
    /// What may be done.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// Takes it, to carry it out.
    pub fn take(self) -> T {
        self.0
    }
}

/// A channel that is shared with the peer.
#[derive(Clone, Debug)]
pub struct PeerChannel {
    /// Its number.
    pub channel: ChannelNo,
    /// Its id.
    pub id: Id,
    /// Its URL name.
    pub name: String,
    /// Its team, if it is in one.
    pub team: Option<TeamNo>,
}

/// Why a channel is closed to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// There is no such channel.
    Unknown,
    /// It is not shared with this connection, or no longer.
    NotShared,
}

/// The channel with an id, if it is shared with the peer.
pub fn channel(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    id: &str,
) -> Result<Authorized<PeerChannel>, Closed> {
    let no = lookup::channel(rows, id).ok_or(Closed::Unknown)?;
    shared_channel(rows, peer, no)
}

/// The place of profiles that come without a channel: nobody joins anything there.
pub fn no_channel() -> Authorized<PeerChannel> {
    Authorized(PeerChannel {
        channel: NO_CHANNEL,
        id: Id::from_uuid_bytes([0; 16]),
        name: String::new(),
        team: None,
    })
}

/// The channel with a number, if it is shared with the peer.
pub fn shared_channel(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    no: ChannelNo,
) -> Result<Authorized<PeerChannel>, Closed> {
    let channel = rows.channel(no).ok_or(Closed::Unknown)?;
    let link = rows.get::<Link>(&(no, peer.no)).ok_or(Closed::NotShared)?;
    if link.state == LinkState::Ended {
        return Err(Closed::NotShared);
    }
    Ok(Authorized(PeerChannel {
        channel: no,
        id: channel.id,
        name: channel.name.clone(),
        team: channel.place.team(),
    }))
}

/// The user with an id, if its home is at the peer.
fn own_user(rows: &(impl Read + ?Sized), peer: &Peer, id: &str) -> Result<UserNo, Reason> {
    let no = lookup::user(rows, id).ok_or(Reason::UnknownUser)?;
    let user = rows.user(no).ok_or(Reason::UnknownUser)?;
    if peer.owns_user(&user) {
        Ok(no)
    } else {
        Err(Reason::ForeignUser)
    }
}

/// Who uploads a file: a user of the peer who may write in the channel.
pub fn uploader(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    shared: &Authorized<PeerChannel>,
    id: &str,
) -> Result<UserNo, Reason> {
    member(rows, shared.get(), own_user(rows, peer, id)?)
}

/// In a direct or group channel only its members write, react and acknowledge.
fn member(
    rows: &(impl Read + ?Sized),
    shared: &PeerChannel,
    user: UserNo,
) -> Result<UserNo, Reason> {
    if shared.team.is_some() || is_channel_member(rows, shared.channel, user) {
        Ok(user)
    } else {
        Err(Reason::NotMember)
    }
}

/// The live post with an id, if it is in the message's channel.
fn live_post(
    rows: &(impl Read + ?Sized),
    shared: &Authorized<PeerChannel>,
    id: &str,
) -> Result<PostNo, Reason> {
    let no = lookup::post(rows, id).ok_or(Reason::UnknownPost)?;
    let post = rows.get::<Post>(&no).ok_or(Reason::UnknownPost)?;
    if post.channel != shared.get().channel {
        return Err(Reason::WrongChannel);
    }
    if post.delete_at != 0 || notice::is_notice(rows, &post) {
        return Err(Reason::UnknownPost);
    }
    Ok(no)
}

fn is_time(ms: i64) -> bool {
    (0..=TIME_MAX_MS).contains(&ms)
}

fn has_at_most(text: &str, chars: usize) -> bool {
    text.len() <= chars || text.chars().nth(chars).is_none()
}
