//! Reactions. To a server of the 11 line a reaction is a toggle (W15): it is told
//! of a state at most once, and never of the removal of what it was not told.

use super::users::is_held;
use super::{Content, Payload, Rest, RoundPlan, sync};
use crate::boundary::behaviour::Behaviour;
use crate::model::limits::REACTIONS_PER_SYNC_MAX;
use crate::model::{FeedObject, Post, Reaction, RoundItem, Section, SentReaction, User};
use crate::outbound::plan::is_local;
use crate::outbound::work::{Object, Work};
use crate::outbound::{exception, receipt};
use crate::rows::id::{FeedSeq, PostNo, UserNo};
use crate::rows::tx::{Read, Tx};
use crate::wire::message::{SyncSection, WireReaction};
use crate::wire::response::{Answer, SyncResponse};

/// The section of reactions.
pub struct Reactions;

impl Content for Reactions {
    type Message = Vec<WireReaction>;

    /// Reactions that need not go leave the round's objects; those that go leave them when the
    /// answer comes.
    fn collect(
        tx: &mut Tx<'_>,
        work: &mut Work,
        _plan: &mut RoundPlan,
    ) -> Option<(Vec<RoundItem>, Self::Message)> {
        let (candidates, others): (Vec<Object>, Vec<Object>) =
            std::mem::take(&mut work.round.objects)
                .into_iter()
                .partition(|(_, object)| object.section() == Section::Reactions);
        work.round.objects = others;
        let mut reactions = Vec::new();
        let mut items = Vec::new();
        for (seq, object) in candidates {
            if reactions.len() == REACTIONS_PER_SYNC_MAX {
                work.round.objects.push((seq, object));
                continue;
            }
            let FeedObject::Reaction(post, user, emoji) = &object else {
                continue;
            };
            if let Some(reaction) = outgoing(tx, work, seq, &object, (*post, *user, emoji)) {
                let is_live = reaction.delete_at == 0;
                let emoji = emoji.clone();
                items.push(RoundItem::Reaction(*post, *user, emoji, seq, is_live));
                reactions.push(reaction);
                work.round.objects.push((seq, object));
            }
        }
        (!reactions.is_empty()).then_some((items, reactions))
    }

    fn payload(tx: &mut Tx<'_>, work: &Work, reactions: Self::Message) -> Option<Payload> {
        sync(tx, work, &SyncSection::Reactions(&reactions))
    }

    /// The reactions to a post that the peer names in `reaction_errors` are sent again later; a
    /// toggle may have carried them out, and names none.
    fn delivered(tx: &mut Tx<'_>, work: &mut Work, response: &SyncResponse) -> Rest {
        let may_refuse = !response.reaction_errors.is_empty()
            && !work.is_toggle()
            && Behaviour::SentAgain.is_in_force(tx);
        let refused = |tx: &Tx<'_>, object: &FeedObject| {
            let post = object.base_post().filter(|_| may_refuse);
            let post = post.and_then(|no| tx.get::<Post>(&no));
            let is_named = |id: &str| response.reaction_errors.iter().any(|named| named == id);
            post.is_some_and(|post| is_named(post.id.as_str()))
        };
        for (seq, object) in take_out(work) {
            if refused(tx, &object) {
                let reason = "The peer named the post of the reaction in `reaction_errors`.";
                exception::refuse(tx, work, (seq, object), reason);
            } else {
                exception::clear(tx, work, &object);
            }
        }
        Rest::More
    }

    /// To a toggle the reactions count as told.
    fn lost(tx: &mut Tx<'_>, work: &mut Work) {
        if !work.is_toggle() {
            return;
        }
        let sent = take_out(work);
        let unknown = u64::try_from(sent.len()).unwrap_or(u64::MAX);
        work.change_connection(tx, |connection| connection.unknown_reactions += unknown);
        for (_, object) in sent {
            exception::clear(tx, work, &object);
        }
    }

    /// A toggle is told of them again.
    fn undo(tx: &mut Tx<'_>, work: &Work) {
        if !work.is_toggle() {
            return;
        }
        for item in &work.round.items {
            if let RoundItem::Reaction(post, user, emoji, _, is_live) = item {
                let key = (work.connection_no, *post, *user, emoji.clone());
                tx.put(&key, &SentReaction { live: !is_live });
            }
        }
    }

    /// An answer without a payload leaves open what became of the message; a toggle may have
    /// carried it out, and is not told again.
    fn answered(tx: &mut Tx<'_>, work: Work, answer: Answer) {
        match answer {
            Answer::Ok(None) if work.is_toggle() => receipt::lost(tx, work),
            answer => receipt::sync_answered(tx, work, answer),
        }
    }
}

/// A reaction as it is sent, if it is.
fn outgoing(
    tx: &mut Tx<'_>,
    work: &mut Work,
    seq: FeedSeq,
    object: &FeedObject,
    (post_no, user_no, emoji): (PostNo, UserNo, &str),
) -> Option<WireReaction> {
    let key = (post_no, user_no, emoji.to_string());
    let reaction = tx.get::<Reaction>(&key)?;
    let post = tx.get::<Post>(&post_no)?;
    let user = tx.get::<User>(&user_no)?;
    let base = exception::get(tx, work, &FeedObject::Post(post_no));
    if let Some(base) = base.filter(|base| exception::blocks(base, post.edit_at)) {
        exception::follow(tx, work, (seq, object.clone()), &base);
        return None;
    }
    // The plan of the round saw to it that the post is there; it may have changed since.
    let is_theirs = reaction.origin == work.peer();
    if is_theirs || post.delete_at != 0 || is_local(work, &post) {
        exception::clear(tx, work, object);
        return None;
    }
    if !is_held(tx, work, user_no) {
        let reason = "The peer did not take the profile of the user who reacted.";
        exception::refuse(tx, work, (seq, object.clone()), reason);
        return None;
    }
    if work.is_toggle() && !may_toggle(tx, work, seq, &key, reaction.delete_at == 0) {
        exception::clear(tx, work, object);
        return None;
    }
    Some(WireReaction {
        user_id: user.id.into(),
        post_id: post.id.into(),
        emoji_name: emoji.to_string(),
        create_at: reaction.create_at,
        update_at: reaction.update_at,
        delete_at: reaction.delete_at,
    })
}

/// Whether a toggle is told of a reaction's state now. It is noted as told before the message
/// leaves; [`Content::undo`] takes that back when the message certainly was not carried out.
fn may_toggle(
    tx: &mut Tx<'_>,
    work: &mut Work,
    seq: FeedSeq,
    key: &(PostNo, UserNo, String),
    is_live: bool,
) -> bool {
    let sent_key = (work.connection_no, key.0, key.1, key.2.clone());
    let told = tx
        .get::<SentReaction>(&sent_key)
        .is_some_and(|sent| sent.live);
    if told == is_live {
        return false;
    }
    tx.put(&sent_key, &SentReaction { live: is_live });
    if seq.0 != 0 && seq <= work.connection().unknown_reactions_to {
        // An earlier incarnation of this data directory may have told it already.
        work.change_connection(tx, |connection| connection.unknown_reactions += 1);
        return false;
    }
    true
}

/// The reactions of the message that was out leave the round; returns them.
fn take_out(work: &mut Work) -> Vec<Object> {
    let sent: Vec<Object> = std::mem::take(&mut work.round.items)
        .into_iter()
        .filter_map(|item| match item {
            RoundItem::Reaction(post, user, emoji, seq, _) => {
                Some((seq, FeedObject::Reaction(post, user, emoji)))
            }
            _ => None,
        })
        .collect();
    work.round
        .objects
        .retain(|(_, object)| !sent.iter().any(|(_, it)| it == object));
    sent
}
