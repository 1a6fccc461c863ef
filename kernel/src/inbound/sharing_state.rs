//! Another Causeway says that it has accepted a channel, or no longer shares one. A Mattermost server says neither:
//! the answers to the next messages do.
//!
//! Such a message may be old when it arrives, or come twice. So an end is not believed: the peer is told that the
//! channel is shared here, and its answer decides.

use super::authorize::Peer;
use super::{Reason, Tally, fail, ok};
use crate::boundary::output::Reply;
use crate::model::{Link, LinkState, Pending};
use crate::outbound::forget_state;
use crate::rows::id::Id;
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};
use crate::sharing::{consent, feed, link};
use crate::wire::json::Value;
use crate::wire::message::SharingState;
use crate::wire::response::NO_LONGER_SHARED;

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
    let Some(id) = Id::parse(&state.channel_id) else {
        return ok(None);
    };
    let channel = lookup::channel(tx, id.as_str());
    let link = channel.and_then(|no| Some((no, tx.get::<Link>(&(no, peer.no))?)));
    match (state.is_shared, link) {
        (true, Some((_, link))) if link.state == LinkState::Ended => {
            fail(&format!("{NO_LONGER_SHARED}: {id}"))
        }
        (true, Some((channel, _))) => {
            link::accepted(tx, channel, peer.no);
            ok(None)
        }
        (false, Some((channel, link))) if link.state != LinkState::Ended => {
            // What an earlier question is answered may be older than this.
            forget_state(tx, peer.no, channel);
            feed::mark(tx, peer.no, Pending::SHARING_STATE, channel);
            ok(None)
        }
        (false, None) if channel.is_none() => {
            consent::withdraw(tx, (peer.no, id));
            ok(None)
        }
        _ => ok(None),
    }
}
