//! Memberships, delivered at least once: each contains the state, not the change. Semantics §9, as sent by
//! 11.6.

use std::collections::BTreeSet;

use super::users::is_held;
use super::{Content, Payload, Rest, RoundPlan, parts, sync};
use crate::boundary::env::Rows;
use crate::boundary::policy::Gate;
use crate::gate::{Candidate, MemberCandidate};
use crate::model::limits::MEMBERS_REFUSED_MS;
use crate::model::reasons;
use crate::model::{DueKind, FeedObject, Pending, RoundItem, RoundSource, Section, User};
use crate::objects::memberships;
use crate::outbound::work::{Object, Work};
use crate::outbound::{exception, profiles, receipt};
use crate::rows::counters::connected_workspaces;
use crate::rows::due;
use crate::rows::id::UserNo;
use crate::rows::tx::Tx;
use crate::sharing::{feed, link};
use crate::wire::message::{SyncSection, WireMembership};
use crate::wire::response::{Answer, SyncResponse};

/// The section of memberships.
pub struct Memberships;

impl Content for Memberships {
    type Message = Vec<WireMembership>;

    fn collect(
        tx: &mut Tx<'_>,
        work: &mut Work,
        _plan: &mut RoundPlan,
    ) -> Option<(Vec<RoundItem>, Self::Message)> {
        let max = connected_workspaces(tx).members_per_sync_max as usize;
        parts::collect(tx, work, KIND, max)
    }

    fn payload(tx: &mut Tx<'_>, work: &Work, message: Self::Message) -> Option<Payload> {
        sync(tx, work, &SyncSection::Memberships(&message))
    }

    /// Those whose users a Causeway names are sent again later.
    fn delivered(tx: &mut Tx<'_>, work: &mut Work, response: &SyncResponse) -> Rest {
        let named = &response.membership_errors;
        let is_named = |user: &User| named.iter().any(|id| id == user.id.as_str());
        for (seq, object) in parts::take_out(work) {
            let FeedObject::Membership(user) = object else {
                continue;
            };
            if tx.user(user).is_some_and(|user| is_named(&user)) {
                exception::refuse(tx, work, (seq, object), reasons::NAMED_MEMBER);
            } else {
                exception::clear(tx, work, &object);
            }
        }
        link::continue_members(tx, work.round.channel, work.connection_no);
        Rest::More
    }

    /// A peer that does not share memberships answers without a payload. All of them are offered to it again
    /// after a pause, or when it first accepts a later change or states one of its own.
    fn answered(tx: &mut Tx<'_>, mut work: Work, answer: Answer) {
        if answer != Answer::Ok(None) {
            return receipt::sync_answered(tx, work, answer);
        }
        let (no, channel) = (work.connection_no, work.round.channel);
        let is_list = matches!(work.round.source, RoundSource::Members { .. });
        let is_first = work.link().is_some_and(|link| link.members.is_none());
        if is_list || is_first {
            let again_at = tx.now_ms().saturating_add(MEMBERS_REFUSED_MS);
            due::at(tx, again_at, DueKind::Link(no, channel));
        }
        work.change_link(tx, |link| link.members = Some(UserNo(0)));
        feed::unmark(tx, no, Pending::MEMBERS, channel);
        for (_, object) in parts::take_out(&mut work) {
            exception::clear(tx, &work, &object);
        }
        if is_list {
            return work.drop_round(tx);
        }
        work.store(tx);
    }
}

const KIND: parts::PartKind<WireMembership> = parts::PartKind {
    section: Section::Memberships,
    gate: Some((Gate::Member, question)),
    outgoing,
};

/// Those among users whom the policies keep from becoming members at the peer. They are asked before the profiles of
/// these users go, as by a profile the peer adds its user to the channel.
pub fn kept_out(tx: &mut Tx<'_>, work: &mut Work, users: &BTreeSet<UserNo>) -> BTreeSet<UserNo> {
    let objects = work.round.objects.iter();
    let theirs =
        objects.filter(|(_, object)| user_of(object).is_some_and(|no| users.contains(&no)));
    let theirs = theirs.cloned().collect();
    let held_back = parts::hold_back(tx, work, &KIND, theirs);
    held_back.iter().filter_map(user_of).collect()
}

fn user_of(object: &FeedObject) -> Option<UserNo> {
    match object {
        FeedObject::Membership(user) => Some(*user),
        _ => None,
    }
}

/// Whether the policies have kept a user from becoming a member at the peer.
pub fn is_kept_out(tx: &Tx<'_>, work: &Work, user: UserNo) -> bool {
    let row = exception::get(tx, work, &FeedObject::Membership(user));
    row.is_some_and(|row| row.state.is_of_policies())
}

/// That somebody left, and what the peer states itself, passes without a question.
fn question(tx: &Tx<'_>, work: &Work, object: &FeedObject) -> Option<Candidate<'static>> {
    let FeedObject::Membership(user_no) = *object else {
        return None;
    };
    let stated = memberships::stated(tx, (work.round.channel, user_no))?;
    let user = tx.user(user_no)?;
    let is_asked_about = stated.is_member && user.origin != work.peer();
    is_asked_about.then_some(Candidate::Member(MemberCandidate::Known(user)))
}

/// The wire form of a membership, if it is to be sent.
fn outgoing(
    tx: &mut Tx<'_>,
    work: &mut Work,
    object: &Object,
) -> Option<(RoundItem, WireMembership)> {
    let (seq, FeedObject::Membership(user_no)) = *object else {
        return None;
    };
    let channel = tx.channel(work.round.channel)?;
    let stated = memberships::stated(tx, (work.round.channel, user_no));
    let user = tx.user(user_no);
    let user = user.filter(|user| user.origin != work.peer() && memberships::are_shared(tx));
    let (Some(stated), Some(user)) = (stated, user) else {
        exception::clear(tx, work, &object.1);
        return None;
    };
    if stated.is_member && !is_held(tx, work, user_no) {
        let reason = reasons::PROFILE_NOT_TAKEN;
        profiles::not_taken(tx, work, object.clone(), user_no, reason);
        return None;
    }
    let wire = WireMembership {
        channel_id: channel.id.into(),
        user_id: user.id.into(),
        is_add: stated.is_member,
        change_time: stated.changed_at,
    };
    Some((RoundItem::Membership(user_no, seq), wire))
}
