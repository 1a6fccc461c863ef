//! Memberships: a statement of the user's home for each user and channel, by its version. Semantics §9; the
//! last arrival does not win here.

use std::collections::BTreeSet;

use super::list_error;
use crate::boundary::env::Rows;
use crate::boundary::policy::Gate;
use crate::gate::{Candidate, MemberCandidate};
use crate::inbound::Reason;
use crate::inbound::authorize::{self, Authorized, MembershipChange, Received};
use crate::inbound::item::{
    Fate, Item, ItemOutcome, Judgements, Scope, Section, Wait, judgement, withheld,
};
use crate::model::{HeldKind, IdRow, PeerKind, kind};
use crate::objects::memberships;
use crate::rows::id::Id;
use crate::rows::tx::Tx;
use crate::sharing::link;
use crate::wire::json::{JsonError, Value};
use crate::wire::message::WireMembership;
use crate::wire::response::SyncResponse;

impl Item for WireMembership {
    const GATES: &[Gate] = &[Gate::Member];
    type Change<'i> = MembershipChange<'i>;

    fn decode(value: Value<'_>) -> Result<WireMembership, JsonError> {
        WireMembership::decode(value)
    }

    fn prefetch(tx: &Tx<'_>, items: &Section<'_, WireMembership>) {
        let read = items.iter().filter_map(|(_, item)| item.as_ref().ok());
        let users = read.filter_map(|wire| Id::parse(&wire.user_id));
        tx.prefetch::<IdRow>(users.map(|id| (kind::USER, id)));
    }

    fn id(&self) -> Option<Id> {
        None
    }

    fn wait(&self) -> Option<Wait<'_>> {
        Some(Wait {
            kind: HeldKind::Membership,
            // Two words that no part of a post has.
            key: (self.user_id.clone(), format!("member {}", self.channel_id)),
            // If two statements share a millisecond, leaving is the later one.
            version: (self.change_time, !self.is_add),
            post: "",
            user: &self.user_id,
        })
    }

    fn lacks_its_post(&self, _: &Tx<'_>, _: Reason) -> bool {
        false
    }

    fn authorize<'i>(
        &'i self,
        tx: &Tx<'_>,
        scope: Scope<'_>,
        _: &BTreeSet<Id>,
    ) -> Result<Authorized<MembershipChange<'i>>, Reason> {
        authorize::membership(tx, scope.peer, scope.shared, Received::new(self))
    }

    fn question<'i>(
        tx: &Tx<'_>,
        _: Scope<'_>,
        change: &MembershipChange<'i>,
        _: bool,
    ) -> Option<Candidate<'i>>
    where
        Self: 'i,
    {
        if !change.newer || !change.wire.is_add {
            return None;
        }
        let user = tx.user(change.user)?;
        Some(Candidate::Member(MemberCandidate::Known(user)))
    }

    fn apply(
        tx: &mut Tx<'_>,
        scope: Scope<'_>,
        change: Authorized<MembershipChange<'_>>,
        judgements: &Judgements,
    ) -> ItemOutcome {
        if !change.get().newer {
            return ItemOutcome::Known;
        }
        if let Some(candidate) = WireMembership::question(tx, scope, change.get(), false)
            && let Some(outcome) = withheld(judgement(tx, scope, judgements, candidate))
        {
            return outcome;
        }
        let change = change.take();
        let key = (change.channel, change.user);
        let home = scope.peer.row.workspace;
        let statement = (home, change.wire.is_add, change.wire.change_time);
        memberships::take(tx, key, change.team, statement);
        link::continue_members(tx, change.channel, scope.peer.no);
        ItemOutcome::Taken
    }

    /// As in the reference, changes that fail are not reported. A Causeway is told which it may send again: those
    /// whose user is not here yet, those on which the policies failed, and those set aside.
    fn report(
        _: &Tx<'_>,
        scope: Scope<'_>,
        (value, _): (Value<'_>, Option<&WireMembership>),
        fate: Fate,
        response: &mut SyncResponse,
    ) {
        let may_come_again = matches!(
            fate,
            Fate::SetAside | Fate::Refused(Reason::UnknownUser | Reason::Held)
        );
        if may_come_again && scope.peer.row.kind == PeerKind::Causeway {
            let user = value.text("user_id").unwrap_or_default();
            list_error(&mut response.membership_errors, &user);
        }
    }
}
