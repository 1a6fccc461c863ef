//! The end of a channel's sharing, told by another Causeway. A Mattermost server does not say it: its answer to the
//! next message does.

use super::authorize::Peer;
use super::{Reason, Tally, fail, ok};
use crate::boundary::output::Reply;
use crate::model::{Link, LinkState};
use crate::rows::id::Id;
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};
use crate::sharing::{self, consent};
use crate::wire::json::Value;
use crate::wire::message::ChannelUnshare;

/// Ends the sharing with the peer, or takes back its offer. What is not shared with it is not its business, and stays
/// as it is.
pub fn message(tx: &mut Tx<'_>, peer: &Peer, payload: Value<'_>) -> Reply {
    let id = match ChannelUnshare::decode(payload) {
        Ok(unshare) => Id::parse(&unshare.channel_id),
        Err(error) => {
            Tally::of(Reason::Malformed).report(tx, peer.no);
            return fail(&format!("invalid channel unshare: {error}"));
        }
    };
    if let Some(id) = id {
        end(tx, peer, id);
    }
    ok(None)
}

fn end(tx: &mut Tx<'_>, peer: &Peer, id: Id) {
    let live = |link: Link| link.state != LinkState::Ended;
    match lookup::channel(tx, id.as_str()) {
        Some(no) if tx.get::<Link>(&(no, peer.no)).is_some_and(live) => {
            sharing::ended_by_peer(tx, no, peer.no);
        }
        Some(_) => {}
        None => consent::withdraw(tx, (peer.no, id)),
    }
}
