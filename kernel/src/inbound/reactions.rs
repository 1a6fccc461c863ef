//! Applies reactions: by `delete_at`, as servers of 2021 do. Semantics §6.5 tells how the toggle of
//! later servers turns every duplicate into its opposite; here a duplicate changes nothing.

use super::Reason;
use super::authorize::{Authorized, Peer, ReactionChange};
use crate::model::Reaction;
use crate::objects::reactions;
use crate::rows::id::FeedSeq;
use crate::rows::tx::{Read, Tx};

/// Carries out what was authorised and is newer than what is held.
pub fn apply(
    tx: &mut Tx<'_>,
    peer: &Peer,
    change: Authorized<ReactionChange>,
) -> Result<(), Reason> {
    let ReactionChange {
        post,
        user,
        wire,
        version,
        newer: _,
    } = change.take();
    let emoji = wire.emoji_name;
    if wire.delete_at == 0 && !reactions::has_room(tx, post, &emoji) {
        return Err(Reason::TooManyEmoji);
    }
    let held = tx.get::<Reaction>(&(post, user, emoji.clone()));
    let told_at = if wire.create_at == 0 {
        version
    } else {
        wire.create_at
    };
    let reaction = Reaction {
        origin: held.as_ref().map_or(peer.row.workspace, |held| held.origin),
        create_at: told_at,
        update_at: version,
        delete_at: wire.delete_at,
        feed_seq: held.map_or(FeedSeq(0), |held| held.feed_seq),
    };
    reactions::put(tx, post, user, &emoji, reaction);
    Ok(())
}
