//! Acknowledgements of posts, delivered at least once: each contains the state, not the change.

use super::{Content, Payload, Rest, RoundPlan, parts, sync};
use crate::boundary::env::Rows;
use crate::boundary::policy::Gate;
use crate::gate::{Candidate, ReactionCandidate};
use crate::model::limits::ACKNOWLEDGEMENTS_PER_SYNC_MAX;
use crate::model::reasons;
use crate::model::{Acknowledgement, FeedObject, PeerKind, Post, RoundItem, Section};
use crate::outbound::work::{Object, Work};
use crate::rows::tx::{Read, Tx};
use crate::wire::message::{SyncSection, WireAcknowledgement};
use crate::wire::response::SyncResponse;

/// The section of acknowledgements.
pub struct Acknowledgements;

impl Content for Acknowledgements {
    type Message = Vec<WireAcknowledgement>;

    fn collect(
        tx: &mut Tx<'_>,
        work: &mut Work,
        _plan: &mut RoundPlan,
    ) -> Option<(Vec<RoundItem>, Self::Message)> {
        parts::collect(tx, work, KIND, ACKNOWLEDGEMENTS_PER_SYNC_MAX)
    }

    fn payload(tx: &mut Tx<'_>, work: &Work, message: Self::Message) -> Option<Payload> {
        let message = match work.connection().kind {
            PeerKind::Causeway => message,
            PeerKind::Mattermost11 | PeerKind::Mattermost2021 => for_mattermost(message),
        };
        sync(tx, work, &SyncSection::Acknowledgements(&message))
    }

    fn delivered(tx: &mut Tx<'_>, work: &mut Work, response: &SyncResponse) -> Rest {
        let named = &response.acknowledgement_errors;
        parts::delivered(tx, work, named, reasons::NAMED_POST_OF_ACKNOWLEDGEMENT);
        Rest::More
    }
}

const KIND: parts::PartKind<WireAcknowledgement> = parts::PartKind {
    section: Section::Acknowledgements,
    gate: Some((Gate::Reaction, question)),
    outgoing,
};

/// Withdrawals, and what comes from the peer, pass without a question.
fn question(tx: &Tx<'_>, work: &Work, object: &FeedObject) -> Option<Candidate<'static>> {
    let FeedObject::Acknowledgement(post_no, user_no) = *object else {
        return None;
    };
    let row = tx.get::<Acknowledgement>(&(post_no, user_no))?;
    if row.acknowledged_at == 0 || row.origin == work.peer() {
        return None;
    }
    Some(Candidate::Reaction(ReactionCandidate {
        post: post_no,
        post_id: tx.get::<Post>(&post_no)?.id,
        author: tx.user(user_no)?,
        emoji: None,
    }))
}

/// The wire form of an acknowledgement, if it is to be sent.
fn outgoing(
    tx: &mut Tx<'_>,
    work: &mut Work,
    object: &Object,
) -> Option<(RoundItem, WireAcknowledgement)> {
    let (seq, FeedObject::Acknowledgement(post_no, user_no)) = *object else {
        return None;
    };
    let key = (post_no, user_no);
    let acknowledgement = tx.get::<Acknowledgement>(&key)?;
    let (post, user) = parts::sendable(tx, work, object, key, acknowledgement.origin)?;
    let acknowledged_at = acknowledgement.acknowledged_at;
    let wire = WireAcknowledgement {
        user_id: user.id.into(),
        post_id: post.id.into(),
        acknowledged_at,
        delete_at: if acknowledged_at == 0 {
            acknowledgement.update_at
        } else {
            0
        },
    };
    Some((RoundItem::Acknowledgement(post_no, user_no, seq), wire))
}

/// A server of the 11 line treats the withdrawal of an unknown acknowledgement as an acknowledgement
/// (semantics §6.6). If the withdrawal is sent twice, the server ends up without one, whatever it held.
fn for_mattermost(message: Vec<WireAcknowledgement>) -> Vec<WireAcknowledgement> {
    let told = |wire: WireAcknowledgement| {
        let times = if wire.is_withdrawn() { 2 } else { 1 };
        let wire = WireAcknowledgement {
            delete_at: 0,
            ..wire
        };
        std::iter::repeat_n(wire, times)
    };
    message.into_iter().flat_map(told).collect()
}
