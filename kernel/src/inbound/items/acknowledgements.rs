//! Acknowledgements of posts: an operation for each user, by its version. A server of the 11 line signals a
//! withdrawal only by a shorter list in the metadata of a post, and each of its lists replaces all existing
//! ones (W29); such lists are not read.

use std::collections::BTreeSet;

use super::{list_error, prefetch_parts};
use crate::boundary::env::Rows;
use crate::boundary::policy::Gate;
use crate::gate::{Candidate, ReactionCandidate};
use crate::inbound::Reason;
use crate::inbound::authorize::{self, AcknowledgementChange, Authorized, Received};
use crate::inbound::item::{
    Fate, Item, ItemOutcome, Judgements, Scope, Section, Wait, judgement, withheld,
};
use crate::model::{Acknowledgement, HeldKind, PeerKind};
use crate::objects::acknowledgements;
use crate::rows::id::{FeedSeq, Id};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};
use crate::wire::json::{JsonError, Value};
use crate::wire::message::WireAcknowledgement;
use crate::wire::response::SyncResponse;

impl Item for WireAcknowledgement {
    const GATES: &[Gate] = &[Gate::Reaction];
    type Change<'i> = AcknowledgementChange<'i>;

    fn decode(value: Value<'_>) -> Result<WireAcknowledgement, JsonError> {
        WireAcknowledgement::decode(value)
    }

    fn prefetch(tx: &Tx<'_>, items: &Section<'_, WireAcknowledgement>) {
        let read = items.iter().filter_map(|(_, item)| item.as_ref().ok());
        prefetch_parts(tx, read.map(|wire| (&*wire.post_id, &*wire.user_id)));
    }

    fn id(&self) -> Option<Id> {
        None
    }

    fn wait(&self) -> Option<Wait<'_>> {
        Some(Wait {
            kind: HeldKind::Acknowledgement,
            // An emoji name is never empty, so this is not the key of a reaction.
            key: (self.post_id.clone(), format!("{} ", self.user_id)),
            version: (
                self.acknowledged_at.max(self.delete_at),
                self.is_withdrawn(),
            ),
            post: &self.post_id,
            user: &self.user_id,
        })
    }

    fn lacks_its_post(&self, tx: &Tx<'_>, reason: Reason) -> bool {
        reason == Reason::UnknownPost && lookup::post(tx, &self.post_id).is_none()
    }

    fn authorize<'i>(
        &'i self,
        tx: &Tx<'_>,
        scope: Scope<'_>,
        _: &BTreeSet<Id>,
    ) -> Result<Authorized<AcknowledgementChange<'i>>, Reason> {
        authorize::acknowledgement(tx, scope.peer, scope.shared, Received::new(self))
    }

    fn question<'i>(
        tx: &Tx<'_>,
        _: Scope<'_>,
        change: &AcknowledgementChange<'i>,
        _: bool,
    ) -> Option<Candidate<'i>>
    where
        Self: 'i,
    {
        if !change.newer || change.wire.is_withdrawn() {
            return None;
        }
        Some(Candidate::Reaction(ReactionCandidate {
            post: change.post,
            post_id: Id::parse(&change.wire.post_id)?,
            author: tx.user(change.user)?,
            emoji: None,
        }))
    }

    fn apply(
        tx: &mut Tx<'_>,
        scope: Scope<'_>,
        change: Authorized<AcknowledgementChange<'_>>,
        judgements: &Judgements,
    ) -> ItemOutcome {
        if !change.get().newer {
            return ItemOutcome::Known;
        }
        if let Some(candidate) = WireAcknowledgement::question(tx, scope, change.get(), false)
            && let Some(outcome) = withheld(judgement(tx, scope, judgements, candidate))
        {
            return outcome;
        }
        let change = change.take();
        let key = (change.post, change.user);
        if !acknowledgements::has_room(tx, key, scope.peer.row.workspace) {
            return ItemOutcome::Refused(Reason::TooManyAcknowledgements);
        }
        let held = tx.get::<Acknowledgement>(&key);
        let acknowledgement = Acknowledgement {
            origin: held.map_or(scope.peer.row.workspace, |held| held.origin),
            acknowledged_at: change.wire.acknowledged_at,
            update_at: change.version,
            feed_seq: held.map_or(FeedSeq(0), |held| held.feed_seq),
        };
        acknowledgements::put(tx, key, acknowledgement);
        ItemOutcome::Taken
    }

    /// A server of the 11 line reports the post of every refused acknowledgement, and ignores such reports. A
    /// Causeway is told which acknowledgements it may send again: those whose post or user is not here yet,
    /// and those set aside.
    fn report(
        tx: &Tx<'_>,
        scope: Scope<'_>,
        (value, item): (Value<'_>, Option<&WireAcknowledgement>),
        fate: Fate,
        response: &mut SyncResponse,
    ) {
        let is_named = match fate {
            Fate::Done { .. } | Fate::Held => {
                let newest = &mut response.acknowledgements_last_update_at;
                *newest = (*newest).max(item.map_or(0, |wire| wire.acknowledged_at));
                false
            }
            Fate::Refused(reason) => {
                let lacks_something = |wire: &WireAcknowledgement| {
                    reason == Reason::UnknownUser || wire.lacks_its_post(tx, reason)
                };
                scope.peer.row.kind != PeerKind::Causeway || item.is_some_and(lacks_something)
            }
            Fate::SetAside => true,
        };
        if is_named {
            let post = value.text("post_id").unwrap_or_default();
            list_error(&mut response.acknowledgement_errors, &post);
        }
    }
}
