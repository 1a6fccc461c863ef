//! Statuses: each replaces the stored one of its user. Semantics §6.7.

use std::collections::BTreeSet;

use super::list_error;
use crate::boundary::output::{Effect, Event};
use crate::boundary::policy::Gate;
use crate::gate::Candidate;
use crate::inbound::Reason;
use crate::inbound::authorize::{self, Authorized, Received, StatusChange};
use crate::inbound::item::{Fate, Item, ItemOutcome, Judgements, Scope, Section, Wait};
use crate::model::{IdRow, PeerKind, kind};
use crate::objects::statuses;
use crate::rows::id::Id;
use crate::rows::tx::Tx;
use crate::wire::json::{JsonError, Value};
use crate::wire::message::WireStatus;
use crate::wire::response::SyncResponse;

impl Item for WireStatus {
    const GATES: &[Gate] = &[];
    type Change<'i> = StatusChange;

    fn decode(value: Value<'_>) -> Result<WireStatus, JsonError> {
        WireStatus::decode(value)
    }

    fn prefetch(tx: &Tx<'_>, items: &Section<'_, WireStatus>) {
        let read = items.iter().filter_map(|(_, item)| item.as_ref().ok());
        let ids = read.filter_map(|wire| Some((kind::USER, Id::parse(&wire.user_id)?)));
        tx.prefetch::<IdRow>(ids);
    }

    fn id(&self) -> Option<Id> {
        None
    }

    fn wait(&self) -> Option<Wait<'_>> {
        None
    }

    fn lacks_its_post(&self, _: &Tx<'_>, _: Reason) -> bool {
        false
    }

    fn authorize(
        &self,
        tx: &Tx<'_>,
        scope: Scope<'_>,
        _: &BTreeSet<Id>,
    ) -> Result<Authorized<StatusChange>, Reason> {
        authorize::status(tx, scope.peer, Received::new(self))
    }

    fn question<'i>(_: &Tx<'_>, _: Scope<'_>, _: &StatusChange, _: bool) -> Option<Candidate<'i>>
    where
        Self: 'i,
    {
        None
    }

    fn apply(
        tx: &mut Tx<'_>,
        scope: Scope<'_>,
        change: Authorized<StatusChange>,
        _: &Judgements,
    ) -> ItemOutcome {
        let change = change.take();
        if !change.newer {
            return ItemOutcome::Known;
        }
        let owner = (change.user, scope.peer.row.workspace);
        statuses::put(tx, owner, change.status, change.version);
        let availability = change.status.availability;
        if availability != change.held.availability {
            let event = Event::StatusChanged(change.user, availability);
            tx.effect(Effect::Event(event));
        }
        ItemOutcome::Taken
    }

    /// As for acknowledgements, a Causeway is told which statuses it may send again.
    fn report(
        _: &Tx<'_>,
        scope: Scope<'_>,
        (value, _): (Value<'_>, Option<&WireStatus>),
        fate: Fate,
        response: &mut SyncResponse,
    ) {
        let is_named = match fate {
            Fate::Done { .. } | Fate::Held => false,
            Fate::Refused(Reason::UnknownUser) | Fate::SetAside => true,
            Fate::Refused(_) => scope.peer.row.kind != PeerKind::Causeway,
        };
        if is_named {
            let user = value.text("user_id").unwrap_or_default();
            list_error(&mut response.status_errors, &user);
        }
    }
}
