//! Statuses.

use super::{Authorized, Peer, Received, is_time, own_user};
use crate::inbound::Reason;
use crate::model::{Availability, Status, StatusRow};
use crate::objects::next_version;
use crate::rows::id::{Id, UserNo};
use crate::rows::tx::Read;
use crate::rows::tx::Tx;
use crate::wire::message::WireStatus;

/// What may be done with a status.
#[derive(Clone, Debug)]
pub struct StatusChange {
    /// Whose it is: a user of the peer.
    pub user: UserNo,
    /// The new status.
    pub status: Status,
    /// Its version, in ms.
    pub version: i64,
    /// The stored status.
    pub held: Status,
    /// Whether there is anything to change: false if this version or a newer one is stored.
    pub newer: bool,
}

/// May the peer set this status? The user need not be a member of the message's channel: servers of the
/// reference name any channel that they share with the receiver (semantics §12).
pub fn status(
    tx: &Tx<'_>,
    peer: &Peer,
    received: Received<&WireStatus>,
) -> Result<Authorized<StatusChange>, Reason> {
    let wire = received.0;
    if Id::parse(&wire.user_id).is_none() {
        return Err(Reason::BadId);
    }
    if ![wire.last_activity_at, wire.dnd_end_time, wire.update_at]
        .into_iter()
        .all(is_time)
    {
        return Err(Reason::BadTime);
    }
    let availability = Availability::of_word(&wire.status).ok_or(Reason::BadStatus)?;
    let user = own_user(tx, peer, &wire.user_id)?;
    let status = Status {
        availability,
        manual: wire.manual,
        last_activity_at: wire.last_activity_at,
        dnd_end_time: wire.dnd_end_time,
    };
    let row = tx.get::<StatusRow>(&user);
    let held = row.map_or(Status::UNKNOWN, |row| row.status);
    let held_at = row.map(|row| row.update_at);
    // A server of the reference gives no version: its statuses count in the order of their arrival.
    let (version, newer) = match wire.update_at {
        0 => (next_version(tx.now_ms(), held_at), status != held),
        told => (told, held_at.is_none_or(|held_at| told > held_at)),
    };
    Ok(Authorized(StatusChange {
        user,
        status,
        version,
        held,
        newer,
    }))
}
