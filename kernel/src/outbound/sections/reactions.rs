//! Reactions. To a server of the 11 line a reaction is a toggle (W15): a state is sent to it at most once,
//! and the removal of a reaction that was not sent is never sent.

use super::{Content, Payload, Rest, RoundPlan, parts, sync};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::boundary::policy::Gate;
use crate::gate::{Candidate, ReactionCandidate};
use crate::model::limits::REACTIONS_PER_SYNC_MAX;
use crate::model::reasons;
use crate::model::{FeedObject, Post, Reaction, RoundItem, Section, SentReaction};
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

    fn collect(
        tx: &mut Tx<'_>,
        work: &mut Work,
        _plan: &mut RoundPlan,
    ) -> Option<(Vec<RoundItem>, Self::Message)> {
        parts::collect(tx, work, KIND, REACTIONS_PER_SYNC_MAX)
    }

    fn payload(tx: &mut Tx<'_>, work: &Work, reactions: Self::Message) -> Option<Payload> {
        sync(tx, work, &SyncSection::Reactions(&reactions))
    }

    /// The reactions to a post that the peer names in `reaction_errors` are sent again later; a toggle peer
    /// may have carried them out, and does not name any.
    fn delivered(tx: &mut Tx<'_>, work: &mut Work, response: &SyncResponse) -> Rest {
        let is_heard = !work.is_toggle() && Behaviour::SentAgain.is_in_force(tx);
        let named: &[String] = if is_heard {
            &response.reaction_errors
        } else {
            &[]
        };
        parts::delivered(tx, work, named, reasons::NAMED_POST_OF_REACTION);
        Rest::More
    }

    /// For a toggle peer the reactions count as sent.
    fn lost(tx: &mut Tx<'_>, work: &mut Work) {
        if !work.is_toggle() {
            return;
        }
        let sent = parts::take_out(work);
        let unknown = u64::try_from(sent.len()).unwrap_or(u64::MAX);
        work.change_connection(tx, |connection| connection.unknown_reactions += unknown);
        for (_, object) in sent {
            exception::clear(tx, work, &object);
        }
    }

    /// For a toggle peer the reactions count as not sent.
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

    /// After an answer without a payload the outcome of the message is unknown; a toggle peer may have
    /// carried it out, so it is not sent again.
    fn answered(tx: &mut Tx<'_>, work: Work, answer: Answer) {
        match answer {
            Answer::Ok(None) if work.is_toggle() => receipt::lost(tx, work),
            answer => receipt::sync_answered(tx, work, answer),
        }
    }
}

const KIND: parts::PartKind<WireReaction> = parts::PartKind {
    section: Section::Reactions,
    gate: Some((Gate::Reaction, question)),
    outgoing,
};

/// Removals, and what comes from the peer, pass without a question.
fn question(tx: &Tx<'_>, work: &Work, object: &FeedObject) -> Option<Candidate<'static>> {
    let FeedObject::Reaction(post_no, user_no, emoji) = object else {
        return None;
    };
    let reaction = tx.get::<Reaction>(&(*post_no, *user_no, emoji.clone()))?;
    if reaction.delete_at != 0 || reaction.origin == work.peer() {
        return None;
    }
    Some(Candidate::Reaction(ReactionCandidate {
        post: *post_no,
        post_id: tx.get::<Post>(post_no)?.id,
        author: tx.user(*user_no)?,
        emoji: Some(emoji.clone().into()),
    }))
}

/// The wire form of a reaction, if it is to be sent.
fn outgoing(
    tx: &mut Tx<'_>,
    work: &mut Work,
    object: &Object,
) -> Option<(RoundItem, WireReaction)> {
    let (seq, FeedObject::Reaction(post_no, user_no, emoji)) = object else {
        return None;
    };
    let key = (*post_no, *user_no, emoji.clone());
    let reaction = tx.get::<Reaction>(&key)?;
    let (post, user) = parts::sendable(tx, work, object, (*post_no, *user_no), reaction.origin)?;
    let is_live = reaction.delete_at == 0;
    if work.is_toggle() && !may_toggle(tx, work, *seq, &key, is_live) {
        exception::clear(tx, work, &object.1);
        return None;
    }
    let wire = WireReaction {
        user_id: user.id.into(),
        post_id: post.id.into(),
        emoji_name: emoji.clone(),
        create_at: reaction.create_at,
        update_at: reaction.update_at,
        delete_at: reaction.delete_at,
    };
    let (post, user, emoji) = key;
    Some((RoundItem::Reaction(post, user, emoji, *seq, is_live), wire))
}

/// Whether a reaction's state is sent to a toggle peer now. It is recorded as sent before the message leaves;
/// [`Content::undo`] reverts that if the message was certainly not carried out.
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
        // An earlier incarnation of this data directory may have sent it already.
        work.change_connection(tx, |connection| connection.unknown_reactions += 1);
        return false;
    }
    true
}
