//! Another Causeway says that it has accepted a channel, or no longer shares one. A Mattermost server says neither:
//! the answers to the next messages do.

use super::authorize::Peer;
use super::{Reason, Tally, fail, ok};
use crate::boundary::output::Reply;
use crate::model::{Link, LinkState};
use crate::rows::id::Id;
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};
use crate::sharing::{self, consent, link};
use crate::wire::json::Value;
use crate::wire::message::SharingState;

/// Takes a message. What is not shared with the peer, nor offered to it or by it, is not its business and stays as
/// it is.
pub fn message(tx: &mut Tx<'_>, peer: &Peer, payload: Value<'_>) -> Reply {
    let state = match SharingState::decode(payload) {
        Ok(state) => state,
        Err(error) => {
            Tally::of(Reason::Malformed).report(tx, peer.no);
            return fail(&format!("invalid sharing state: {error}"));
        }
    };
    match Id::parse(&state.channel_id) {
        Some(id) if state.is_shared => accepted(tx, peer, id),
        Some(id) => ended(tx, peer, id),
        None => {}
    }
    ok(None)
}

fn accepted(tx: &mut Tx<'_>, peer: &Peer, id: Id) {
    if let Some(channel) = lookup::channel(tx, id.as_str()) {
        link::accepted(tx, channel, peer.no);
    }
}

fn ended(tx: &mut Tx<'_>, peer: &Peer, id: Id) {
    let live = |link: Link| link.state != LinkState::Ended;
    match lookup::channel(tx, id.as_str()) {
        Some(no) if tx.get::<Link>(&(no, peer.no)).is_some_and(live) => {
            sharing::ended_by_peer(tx, no, peer.no);
        }
        Some(_) => {}
        None => consent::withdraw(tx, (peer.no, id)),
    }
}
