//! Objects other than profiles and posts, as sent in a round. Reactions and acknowledgements differ in their
//! content; the rules for holding them back are the same.

use super::users::is_held;
use crate::boundary::env::Rows;
use crate::model::reasons;
use crate::model::{FeedObject, Post, RoundItem, Section, User};
use crate::outbound::exception;
use crate::outbound::plan::is_local;
use crate::outbound::work::{Object, Work};
use crate::rows::id::{PostNo, UserNo, WorkspaceNo};
use crate::rows::tx::{Read, Tx};

/// Fills a message with at most `max` objects of a section. Objects that need not be sent leave the round;
/// sent ones leave it when the answer arrives, and the others follow in further messages.
pub fn collect<W>(
    tx: &mut Tx<'_>,
    work: &mut Work,
    (section, max): (Section, usize),
    mut outgoing: impl FnMut(&mut Tx<'_>, &mut Work, &Object) -> Option<(RoundItem, W)>,
) -> Option<(Vec<RoundItem>, Vec<W>)> {
    let (candidates, others): (Vec<Object>, Vec<Object>) = std::mem::take(&mut work.round.objects)
        .into_iter()
        .partition(|(_, object)| object.section() == section);
    work.round.objects = others;
    let mut items = Vec::new();
    let mut message = Vec::new();
    for object in candidates {
        if items.len() < max {
            let Some((item, wire)) = outgoing(tx, work, &object) else {
                continue;
            };
            items.push(item);
            message.push(wire);
        }
        work.round.objects.push(object);
    }
    (!items.is_empty()).then_some((items, message))
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
    if let Some(base) = base.filter(|base| exception::blocks(base, post.edit_at)) {
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
        exception::refuse(tx, work, object.clone(), reasons::PROFILE_NOT_TAKEN);
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
