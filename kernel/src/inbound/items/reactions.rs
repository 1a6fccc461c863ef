//! Reactions: applied by `delete_at`, as servers of 2021 do. Semantics §6.5 describes how the toggle of later
//! servers turns every duplicate into its opposite; here a duplicate changes nothing.

use std::collections::BTreeSet;

use super::{list_error, prefetch_parts};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::boundary::policy::Gate;
use crate::gate::{Candidate, ReactionCandidate};
use crate::inbound::Reason;
use crate::inbound::authorize::{self, Authorized, Peer, ReactionChange, Received};
use crate::inbound::item::{
    Fate, Item, ItemOutcome, Judgements, Scope, Section, Wait, judgement, withheld,
};
use crate::model::{HeldKind, PeerKind, Reaction};
use crate::objects::reaction_counts::{self, Full};
use crate::objects::reactions;
use crate::rows::id::{FeedSeq, Id};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};
use crate::wire::json::{JsonError, Value};
use crate::wire::message::WireReaction;
use crate::wire::response::SyncResponse;

impl Item for WireReaction {
    const GATES: &[Gate] = &[Gate::Reaction];
    type Change<'i> = ReactionChange<'i>;

    fn decode(value: Value<'_>) -> Result<WireReaction, JsonError> {
        WireReaction::decode(value)
    }

    fn prefetch(tx: &Tx<'_>, items: &Section<'_, WireReaction>) {
        let read = items.iter().filter_map(|(_, item)| item.as_ref().ok());
        prefetch_parts(tx, read.map(|wire| (&*wire.post_id, &*wire.user_id)));
    }

    fn id(&self) -> Option<Id> {
        None
    }

    fn wait(&self) -> Option<Wait<'_>> {
        let latest = self.create_at.max(self.update_at).max(self.delete_at);
        let on_it = format!("{} {}", self.user_id, self.emoji_name);
        Some(Wait {
            kind: HeldKind::Reaction,
            key: (self.post_id.clone(), on_it),
            version: (latest, self.delete_at != 0),
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
    ) -> Result<Authorized<ReactionChange<'i>>, Reason> {
        authorize::reaction(tx, scope.peer, scope.shared, Received::new(self))
    }

    fn question<'i>(
        tx: &Tx<'_>,
        _: Scope<'_>,
        change: &ReactionChange<'i>,
        _: bool,
    ) -> Option<Candidate<'i>>
    where
        Self: 'i,
    {
        if !change.newer || change.wire.delete_at != 0 {
            return None;
        }
        Some(Candidate::Reaction(ReactionCandidate {
            post: change.post,
            post_id: Id::parse(&change.wire.post_id)?,
            author: tx.user(change.user)?,
            emoji: Some(change.wire.emoji_name.as_str().into()),
        }))
    }

    fn apply(
        tx: &mut Tx<'_>,
        scope: Scope<'_>,
        change: Authorized<ReactionChange<'_>>,
        judgements: &Judgements,
    ) -> ItemOutcome {
        if !change.get().newer {
            return ItemOutcome::Known;
        }
        if let Some(candidate) = WireReaction::question(tx, scope, change.get(), false)
            && let Some(outcome) = withheld(judgement(tx, scope, judgements, candidate))
        {
            return outcome;
        }
        carry_out(tx, scope.peer, change)
    }

    /// A real server never reports a reaction that fails, and expects no report. A Causeway is told which
    /// reactions it may send again: those whose post or user is not here yet, and those set aside.
    fn report(
        tx: &Tx<'_>,
        scope: Scope<'_>,
        (value, item): (Value<'_>, Option<&WireReaction>),
        fate: Fate,
        response: &mut SyncResponse,
    ) {
        let may_be_sent_again = match (fate, item) {
            (Fate::Done { changed }, Some(reaction)) => {
                if changed {
                    let newest = &mut response.reactions_last_update_at;
                    *newest = (*newest).max(reaction.update_at);
                }
                false
            }
            (Fate::Refused(reason), Some(reaction)) => {
                reason == Reason::UnknownUser || reaction.lacks_its_post(tx, reason)
            }
            (Fate::SetAside, _) => true,
            _ => false,
        };
        let is_told =
            || scope.peer.row.kind == PeerKind::Causeway && Behaviour::SentAgain.is_in_force(tx);
        if may_be_sent_again && is_told() {
            let post = value.text("post_id").unwrap_or_default();
            list_error(&mut response.reaction_errors, &post);
        }
    }
}

/// Why a reaction is held whose emoji exceeds the limit.
pub const WAITS_FOR_ROOM: &str = "waits until its post has fewer different emoji";

/// Carries out an authorised reaction that is newer than the stored one.
fn carry_out(tx: &mut Tx<'_>, peer: &Peer, change: Authorized<ReactionChange<'_>>) -> ItemOutcome {
    let ReactionChange {
        post,
        user,
        wire,
        version,
        newer: _,
    } = change.take();
    let key = (post, user, wire.emoji_name.clone());
    let held = tx.get::<Reaction>(&key);
    let origin = held.as_ref().map_or(peer.row.workspace, |held| held.origin);
    if wire.delete_at == 0 {
        let room = reaction_counts::check_room(tx, &key, held.as_ref(), origin);
        match room {
            Ok(()) => {}
            Err(Full::Emoji) if Behaviour::CountedReactions.is_in_force(tx) => {
                return ItemOutcome::Failed(WAITS_FOR_ROOM.to_string());
            }
            Err(_) => return ItemOutcome::Refused(Reason::TooManyEmoji),
        }
    } else if held.is_none() && !reaction_counts::may_remember(tx, post, user, origin) {
        // Nothing to remove, and the limit of remembered removals is reached.
        return ItemOutcome::Known;
    }
    let told_at = if wire.create_at == 0 {
        version
    } else {
        wire.create_at
    };
    let reaction = Reaction {
        origin,
        create_at: told_at,
        update_at: version,
        delete_at: wire.delete_at,
        feed_seq: held.map_or(FeedSeq(0), |held| held.feed_seq),
    };
    reactions::put(tx, post, user, &key.2, reaction);
    ItemOutcome::Taken
}
