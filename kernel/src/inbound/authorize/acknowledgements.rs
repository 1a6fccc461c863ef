//! Acknowledgements of posts.

use super::{Authorized, Peer, PeerChannel, Received, is_time, live_post, member, own_user};
use crate::inbound::Reason;
use crate::model::Acknowledgement;
use crate::rows::id::{Id, PostNo, UserNo};
use crate::rows::tx::Read;
use crate::wire::message::WireAcknowledgement;

/// What may be done with an acknowledgement.
#[derive(Clone, Debug)]
pub struct AcknowledgementChange<'a> {
    /// The post.
    pub post: PostNo,
    /// Who acknowledged it: a user of the peer.
    pub user: UserNo,
    /// The acknowledgement.
    pub wire: &'a WireAcknowledgement,
    /// Its version, by the origin's clock, in ms.
    pub version: i64,
    /// Whether there is anything to change: false if this version or a newer one is stored.
    pub newer: bool,
}

/// May the peer add or withdraw this acknowledgement?
pub fn acknowledgement<'a>(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    shared: &Authorized<PeerChannel>,
    received: Received<&'a WireAcknowledgement>,
) -> Result<Authorized<AcknowledgementChange<'a>>, Reason> {
    let wire = received.0;
    if Id::parse(&wire.user_id).is_none() || Id::parse(&wire.post_id).is_none() {
        return Err(Reason::BadId);
    }
    if ![wire.acknowledged_at, wire.delete_at]
        .into_iter()
        .all(is_time)
    {
        return Err(Reason::BadTime);
    }
    let user = member(rows, shared.get(), own_user(rows, peer, &wire.user_id)?)?;
    let post = live_post(rows, shared, &wire.post_id)?;
    let held = rows.get::<Acknowledgement>(&(post, user));
    let held = held.map_or((0, true), |held| {
        (held.update_at, held.acknowledged_at == 0)
    });
    // A withdrawal without a time applies to the stored acknowledgement; if there is none, nothing changes.
    let version = match wire.acknowledged_at.max(wire.delete_at) {
        0 => held.0,
        told => told,
    };
    Ok(Authorized(AcknowledgementChange {
        post,
        user,
        wire,
        version,
        // If two changes share a millisecond, the withdrawal is the later one.
        newer: (version, wire.is_withdrawn()) > held,
    }))
}
