//! Objects other than profiles and posts, as sent in a round. Reactions and acknowledgements differ in their
//! content; the rules for holding them back are the same.

use std::collections::BTreeSet;

use super::users::is_held;
use crate::boundary::env::Rows;
use crate::boundary::policy::Gate;
use crate::gate::{self, Candidate, Judgement};
use crate::model::reasons;
use crate::model::{FeedObject, Post, RoundItem, Section, User};
use crate::outbound::plan::is_local;
use crate::outbound::work::{Object, Work};
use crate::outbound::{exception, profiles};
use crate::rows::id::{PostNo, UserNo, WorkspaceNo};
use crate::rows::tx::{Read, Tx};

/// What the policies are asked about an object; `None` if it passes without a question.
pub type Question = fn(&Tx<'_>, &Work, &FeedObject) -> Option<Candidate<'static>>;

/// A section of such objects.
#[derive(Clone, Copy)]
pub struct PartKind<W> {
    /// Which one.
    pub section: Section,
    /// Where the policies are asked about its objects, and what; `None` = nowhere.
    pub gate: Option<(Gate, Question)>,
    /// The wire form of an object, if it is to be sent.
    pub outgoing: fn(&mut Tx<'_>, &mut Work, &Object) -> Option<(RoundItem, W)>,
}

/// Fills a message with at most `max` objects of a section. Objects that need not be sent, and those that the
/// policies hold back, leave the round; sent ones leave it when the answer arrives, and the others follow in
/// further messages.
pub fn collect<W>(
    tx: &mut Tx<'_>,
    work: &mut Work,
    kind: PartKind<W>,
    max: usize,
) -> Option<(Vec<RoundItem>, Vec<W>)> {
    let section = kind.section;
    let (mut waiting, others): (Vec<Object>, Vec<Object>) = std::mem::take(&mut work.round.objects)
        .into_iter()
        .partition(|(_, object)| object.section() == section);
    work.round.objects = others;
    let mut items = Vec::new();
    let mut message = Vec::new();
    while items.len() < max && !waiting.is_empty() {
        let rest = waiting.split_off(waiting.len().min(max - items.len()));
        let judgements = judge(tx, work, &kind, &waiting);
        for (object, judgement) in waiting.into_iter().zip(judgements) {
            if exception::withhold(tx, work, &object, judgement) {
                continue;
            }
            if let Some((item, wire)) = (kind.outgoing)(tx, work, &object) {
                items.push(item);
                message.push(wire);
                work.round.objects.push(object);
            }
        }
        waiting = rest;
    }
    work.round.objects.append(&mut waiting);
    (!items.is_empty()).then_some((items, message))
}

/// Asks about objects of the round before their turn. Those that the policies hold back leave it, and are returned.
pub fn hold_back<W>(
    tx: &mut Tx<'_>,
    work: &mut Work,
    kind: &PartKind<W>,
    objects: Vec<Object>,
) -> BTreeSet<FeedObject> {
    let judgements = judge(tx, work, kind, &objects);
    let judged = objects.into_iter().zip(judgements);
    let held_back: BTreeSet<FeedObject> = judged
        .filter_map(|(object, judgement)| {
            exception::withhold(tx, work, &object, judgement).then_some(object.1)
        })
        .collect();
    let objects = &mut work.round.objects;
    objects.retain(|(_, object)| !held_back.contains(object));
    held_back
}

/// A judgement on each object.
fn judge<W>(
    tx: &mut Tx<'_>,
    work: &Work,
    kind: &PartKind<W>,
    objects: &[Object],
) -> Vec<Judgement> {
    let mut judgements = vec![Judgement::Pass(None); objects.len()];
    if let Some((gate, question)) = kind.gate
        && gate::is_asked(tx, gate)
    {
        let asked = objects.iter().zip(&mut judgements);
        let (candidates, places): (Vec<_>, Vec<_>) = asked
            .filter_map(|((_, object), place)| Some((question(tx, work, object)?, place)))
            .unzip();
        let answers = gate::judge(tx, work.crossing(), candidates);
        for (place, judgement) in places.into_iter().zip(answers) {
            *place = judgement;
        }
    }
    judgements
}

/// The post and the user of an object of this origin, if it may be sent. Otherwise it is cleared, or an
/// exception states the reason.
pub fn sendable(
    tx: &mut Tx<'_>,
    work: &mut Work,
    object: &Object,
    (post_no, user_no): (PostNo, UserNo),
    origin: WorkspaceNo,
) -> Option<(Post, std::rc::Rc<User>)> {
    let post = tx.get::<Post>(&post_no)?;
    let user = tx.user(user_no)?;
    let base = exception::get(tx, work, &FeedObject::Post(post_no));
    if let Some(base) = base.filter(|base| profiles::blocks(tx, work, base, &post)) {
        exception::follow(tx, work, object.clone(), &base);
        return None;
    }
    // The round's plan ensured that the peer knows the post; it may have changed since.
    let is_local = is_local(tx, work.connection().kind, &post);
    if origin == work.peer() || post.delete_at != 0 || is_local {
        exception::clear(tx, work, &object.1);
        return None;
    }
    if !is_held(tx, work, user_no) {
        let reason = reasons::PROFILE_NOT_TAKEN;
        profiles::not_taken(tx, work, object.clone(), user_no, reason);
        return None;
    }
    Some((post, user))
}

/// Removes the objects of the message in flight from the round. Those whose posts the peer `named` as refused
/// are sent again later.
pub fn delivered(tx: &mut Tx<'_>, work: &mut Work, named: &[String], reason: &str) {
    for (seq, object) in take_out(work) {
        let post = object.base_post().filter(|_| !named.is_empty());
        let post = post.and_then(|no| tx.get::<Post>(&no));
        if post.is_some_and(|post| named.iter().any(|id| id == post.id.as_str())) {
            exception::refuse(tx, work, (seq, object), reason);
        } else {
            exception::clear(tx, work, &object);
        }
    }
}

/// Removes the objects of the message in flight from the round, and returns them.
pub fn take_out(work: &mut Work) -> Vec<Object> {
    let items = std::mem::take(&mut work.round.items);
    let sent: Vec<Object> = items.into_iter().filter_map(RoundItem::into_part).collect();
    work.round
        .objects
        .retain(|(_, object)| !sent.iter().any(|(_, it)| it == object));
    sent
}
