//! Statuses: always the newest one of a user, delivered at least once.

use super::{Content, Payload, Rest, RoundPlan, parts, sync};
use crate::boundary::env::Rows;
use crate::model::limits::STATUSES_PER_SYNC_MAX;
use crate::model::reasons;
use crate::model::{FeedObject, PeerKind, RoundItem, Section, StatusRow};
use crate::outbound::exception;
use crate::outbound::work::{Object, Work};
use crate::rows::counters::connected_workspaces;
use crate::rows::tx::{Read, Tx};
use crate::wire::message::{SyncSection, WireStatus};
use crate::wire::response::SyncResponse;

/// The section of statuses.
pub struct Statuses;

impl Content for Statuses {
    type Message = Vec<WireStatus>;

    fn collect(
        tx: &mut Tx<'_>,
        work: &mut Work,
        _plan: &mut RoundPlan,
    ) -> Option<(Vec<RoundItem>, Self::Message)> {
        if !connected_workspaces(tx).statuses {
            return None;
        }
        parts::collect(tx, work, KIND, STATUSES_PER_SYNC_MAX as usize)
    }

    fn payload(tx: &mut Tx<'_>, work: &Work, message: Self::Message) -> Option<Payload> {
        sync(tx, work, &SyncSection::Statuses(&message))
    }

    fn delivered(tx: &mut Tx<'_>, work: &mut Work, response: &SyncResponse) -> Rest {
        let named = &response.status_errors;
        for (seq, object) in parts::take_out(work) {
            let user = object.user().filter(|_| !named.is_empty());
            let user = user.and_then(|no| tx.user(no));
            if user.is_some_and(|user| named.iter().any(|id| id == user.id.as_str())) {
                exception::refuse(tx, work, (seq, object), reasons::NAMED_USER_OF_STATUS);
            } else {
                exception::clear(tx, work, &object);
            }
        }
        Rest::More
    }
}

const KIND: parts::PartKind<WireStatus> = parts::PartKind {
    section: Section::Statuses,
    gate: None,
    outgoing,
};

/// The wire form of a user's current status.
fn outgoing(tx: &mut Tx<'_>, work: &mut Work, object: &Object) -> Option<(RoundItem, WireStatus)> {
    let (seq, FeedObject::Status(user_no)) = *object else {
        return None;
    };
    let row = tx.get::<StatusRow>(&user_no)?;
    let user = tx.user(user_no)?;
    let is_versioned = work.connection().kind == PeerKind::Causeway;
    let wire = WireStatus {
        user_id: user.id.into(),
        status: row.status.availability.word().into(),
        manual: row.status.manual,
        last_activity_at: row.status.last_activity_at,
        dnd_end_time: row.status.dnd_end_time,
        update_at: if is_versioned { row.update_at } else { 0 },
    };
    Some((RoundItem::Status(user_no, seq), wire))
}
