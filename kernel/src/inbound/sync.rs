//! Sync messages: the gate (semantics §6.1), then the sections in order, each item on its own (§6.2), then
//! the response (§3.5).

use super::authorize::{self, Closed, Peer};
use super::held::Full;
use super::item::Batch;
use super::parts::{Course, Unfinished};
use super::{Reason, Tally, fail, ok, refuse};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::output::{Refusal, Reply};
use crate::objects::memberships;
use crate::rows::id::Id;
use crate::rows::tx::Tx;
use crate::sharing::directory;
use crate::wire::json::Value;
use crate::wire::message::SyncMessage;
use crate::wire::response::{NO_LONGER_SHARED, UNKNOWN_CHANNEL};

/// Carries out a part of a sync message; returns the answer, or what is left.
pub fn message(
    tx: &mut Tx<'_>,
    peer: &Peer,
    payload: Value<'_>,
    course: Course<'_>,
) -> Result<Reply, Box<Unfinished>> {
    if payload.is_null() {
        return Ok(ok(None));
    }
    let message = match SyncMessage::decode(payload) {
        Ok(message) => message,
        Err(error) => {
            Tally::of(Reason::Malformed).report(tx, peer.no);
            return Ok(fail(&format!("invalid sync message: {error}")));
        }
    };
    if let Some(reply) = answer_without_channel(tx, peer, &message) {
        return Ok(reply);
    }
    let is_global = message.channel_id.is_empty();
    let shared = if is_global {
        Ok(authorize::no_channel())
    } else {
        authorize::channel(tx, peer, &message.channel_id)
    };
    let shared = match shared {
        Ok(shared) => shared,
        Err(closed) => {
            let reason = match closed {
                Closed::Unknown => Reason::UnknownChannel,
                Closed::NotShared => Reason::NotShared,
            };
            Tally::of(reason).report(tx, peer.no);
            return Ok(refuse_channel(closed, &message.channel_id));
        }
    };
    let mut batch = Batch::new(peer, shared, message.mention_transforms.clone(), course);
    let taken = if is_global {
        batch.take(tx, &message.users)
    } else {
        take_sections(tx, &mut batch, &message)
    };
    if let Err(Full) = taken {
        tx.abandon();
        let refusal = Refusal::new(
            503,
            "api.remote_cluster.held_full.app_error",
            "Too many posts wait for a policy here; send this again later.",
        );
        return Ok(refuse(tx, &refusal));
    }
    batch.tally.report(tx, peer.no);
    match batch.cut {
        None => Ok(ok(Some(&batch.response))),
        Some(next) => Err(Box::new(Unfinished {
            next,
            left: batch.number.saturating_sub(next),
            response: batch.response,
        })),
    }
}

/// Processes the sections in order, and counts those of features that are switched off.
fn take_sections(
    tx: &mut Tx<'_>,
    batch: &mut Batch<'_>,
    message: &SyncMessage<'_>,
) -> Result<(), Full> {
    let SyncMessage {
        channel_id: _,
        mention_transforms: _,
        users,
        posts,
        reactions,
        statuses,
        acknowledgements,
        membership_changes,
    } = message;
    batch.take(tx, users)?;
    batch.read_mentions(tx);
    batch.take(tx, posts)?;
    batch.take(tx, reactions)?;
    if Behaviour::Acknowledgements.is_in_force(tx) {
        batch.take(tx, acknowledgements)?;
    } else {
        batch.tally.add(Reason::FeatureOff, count(acknowledgements));
    }
    if Behaviour::Statuses.is_in_force(tx) {
        batch.take(tx, statuses)?;
    } else if batch.is_first_part() {
        batch.tally.add(Reason::FeatureOff, count(statuses));
    }
    if memberships::are_shared(tx) {
        return batch.take(tx, membership_changes);
    }
    if batch.is_first_part() {
        let off = count(membership_changes);
        batch.tally.add(Reason::FeatureOff, off);
    }
    Ok(())
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

/// Answers messages that are not carried out, whatever their channel: those of features that are off.
fn answer_without_channel(
    tx: &mut Tx<'_>,
    peer: &Peer,
    message: &SyncMessage<'_>,
) -> Option<Reply> {
    let items = message.posts.len() + message.reactions.len();
    let off = |tx: &mut Tx<'_>, count: u32| {
        let mut tally = Tally::default();
        tally.add(Reason::FeatureOff, count);
        tally.report(tx, peer.no);
        ok(None)
    };
    let has_memberships = !message.membership_changes.is_empty();
    if has_memberships && message.users.is_empty() && items == 0 && !memberships::are_shared(tx) {
        return Some(off(tx, count(&message.membership_changes)));
    }
    if !message.channel_id.is_empty() {
        return None;
    }
    if items > 0 || !message.statuses.is_empty() {
        Tally::of(Reason::Malformed).report(tx, peer.no);
        return Some(fail(
            "global user sync message should not contain posts, reactions or statuses",
        ));
    }
    let is_taken = directory::is_taken(tx) && !message.users.is_empty();
    (!is_taken).then(|| off(tx, count(&message.users)))
}

fn refuse_channel(closed: Closed, id: &str) -> Reply {
    let id = Id::parse(id).map(String::from).unwrap_or_default();
    match closed {
        Closed::Unknown => fail(&format!(
            "{UNKNOWN_CHANNEL} processing sync message: resource \"Channel\" not found, id: {id}"
        )),
        Closed::NotShared => fail(&format!(
            "cannot process sync message; {NO_LONGER_SHARED}: {id}"
        )),
    }
}
