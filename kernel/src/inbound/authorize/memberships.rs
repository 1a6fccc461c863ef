//! Memberships.

use super::{Authorized, Peer, PeerChannel, Received, is_time};
use crate::inbound::Reason;
use crate::model::{ChannelMember, SharedMembership};
use crate::rows::id::{ChannelNo, Id, TeamNo, UserNo};
use crate::rows::lookup;
use crate::rows::tx::Read;
use crate::wire::message::WireMembership;

/// What may be done with a membership.
#[derive(Clone, Debug)]
pub struct MembershipChange<'a> {
    /// The channel.
    pub channel: ChannelNo,
    /// The channel's team.
    pub team: TeamNo,
    /// Who joined or left.
    pub user: UserNo,
    /// The change.
    pub wire: &'a WireMembership,
    /// Whether there is anything to change: false if this statement or a newer one is recorded.
    pub newer: bool,
}

/// May the peer add this user to the channel, or remove the user from it? Only a user of its own. A server of
/// 11.6 sends back what it was told about our users (semantics §9): that changes nothing.
pub fn membership<'a>(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    shared: &Authorized<PeerChannel>,
    received: Received<&'a WireMembership>,
) -> Result<Authorized<MembershipChange<'a>>, Reason> {
    let wire = received.0;
    let shared = shared.get();
    if Id::parse(&wire.user_id).is_none() {
        return Err(Reason::BadId);
    }
    if wire.channel_id != shared.id.as_str() {
        return Err(Reason::WrongChannel);
    }
    if !is_time(wire.change_time) {
        return Err(Reason::BadTime);
    }
    let team = shared.team.ok_or(Reason::FixedMembers)?;
    let no = lookup::user(rows, &wire.user_id).ok_or(Reason::UnknownUser)?;
    let user = rows.user(no).ok_or(Reason::UnknownUser)?;
    let key = (shared.channel, no);
    let is_own = peer.owns_user(&user);
    let is_echo = user.origin.is_ours() && rows.has::<ChannelMember>(&key) == wire.is_add;
    if !is_own && !is_echo {
        return Err(Reason::ForeignUser);
    }
    let held = rows.get::<SharedMembership>(&key);
    let is_newer = |held: SharedMembership| (wire.change_time, !wire.is_add) > held.version();
    Ok(Authorized(MembershipChange {
        channel: shared.channel,
        team,
        user: no,
        wire,
        newer: is_own && held.is_none_or(is_newer),
    }))
}
