//! Storage of acknowledgements of posts. One for each user and post; withdrawn ones are kept.

use crate::boundary::behaviour::Behaviour;
use crate::boundary::output::{AcknowledgementEvent, Effect, Event};
use crate::model::limits::ACKNOWLEDGEMENTS_PER_POST_MAX;
use crate::model::{Acknowledgement, AcknowledgementCount, Post};
use crate::objects::posts;
use crate::rows::id::{PostNo, UserNo, WorkspaceNo};
use crate::rows::tx::{Read, Tx};
use crate::sharing::feed;

/// Stores an acknowledgement, live or withdrawn, counts a new one, adds it to the feed and notifies the
/// channel's members if the visible state changes. They receive only the acknowledgement: a `post_edited`
/// event, which contains the post with all its acknowledgements, would have quadratic cost.
pub fn put(tx: &mut Tx<'_>, key: (PostNo, UserNo), mut acknowledgement: Acknowledgement) {
    let (post_no, user) = key;
    let Some(mut post) = tx.get::<Post>(&post_no) else {
        return;
    };
    let held = tx.get::<Acknowledgement>(&key);
    if held.is_none() {
        let counted = (post_no, acknowledgement.origin);
        let users = users(tx, counted).saturating_add(1);
        tx.put(&counted, &AcknowledgementCount(users));
    }
    let acknowledged_at = acknowledgement.acknowledged_at;
    let is_unknown_withdrawal = held.is_none() && acknowledged_at == 0;
    if is_unknown_withdrawal && Behaviour::WithdrawalsPassedOn.is_in_force(tx) {
        feed::acknowledgement_changed(tx, key, post.channel, &mut acknowledgement);
    }
    if acknowledged_at != held.map_or(0, |held| held.acknowledged_at) {
        let channel = post.channel;
        feed::acknowledgement_changed(tx, key, channel, &mut acknowledgement);
        let event = AcknowledgementEvent {
            post: post_no,
            user,
            acknowledged_at,
        };
        let event = if acknowledged_at == 0 {
            Event::AcknowledgementRemoved(channel, event)
        } else {
            Event::AcknowledgementAdded(channel, event)
        };
        tx.effect(Effect::Event(event));
        // It changes its post: clients that catch up query by this time.
        post.update_at = posts::stamp(tx, channel, |_, _| ());
        tx.put(&post_no, &post);
    }
    tx.put(&key, &acknowledgement);
}

/// Whether there is room for the acknowledgement of a user of this workspace; always true for an existing one
/// and its withdrawal.
pub fn has_room(
    rows: &(impl Read + ?Sized),
    key: (PostNo, UserNo),
    workspace: WorkspaceNo,
) -> bool {
    rows.has::<Acknowledgement>(&key)
        || users(rows, (key.0, workspace)) < ACKNOWLEDGEMENTS_PER_POST_MAX
}

fn users(rows: &(impl Read + ?Sized), key: (PostNo, WorkspaceNo)) -> u32 {
    rows.get::<AcknowledgementCount>(&key)
        .map_or(0, |count| count.0)
}
