//! Reactions: the rows. Removed ones stay as tombstones.

use crate::boundary::output::{Effect, Event, ReactionEvent};
use crate::model::limits::EMOJI_PER_POST_MAX;
use crate::model::{Post, Reaction};
use crate::objects::posts;
use crate::rows::id::{PostNo, UserNo};
use crate::rows::tx::{Read, Tx};
use crate::sharing::feed;

/// Stores a reaction, live or removed, counts it at its post, feeds it and tells the channel's
/// members if what they see changes.
pub fn put(tx: &mut Tx<'_>, post_no: PostNo, user: UserNo, emoji: &str, mut reaction: Reaction) {
    let Some(mut post) = tx.get::<Post>(&post_no) else {
        return;
    };
    let key = (post_no, user, emoji.to_string());
    let was_live = tx
        .get::<Reaction>(&key)
        .is_some_and(|held| held.delete_at == 0);
    let is_live = reaction.delete_at == 0;
    let channel = post.channel;
    if was_live != is_live {
        post.reaction_count = if is_live {
            post.reaction_count.saturating_add(1)
        } else {
            post.reaction_count.saturating_sub(1)
        };
        feed::reaction_changed(tx, (post_no, user, emoji), channel, &mut reaction);
        let event = ReactionEvent {
            post: post_no,
            user,
            emoji: emoji.to_string(),
            create_at: reaction.create_at,
            post_id: post.id,
        };
        let event = if is_live {
            Event::ReactionAdded(channel, event)
        } else {
            Event::ReactionRemoved(channel, event)
        };
        tx.effect(Effect::Event(event));
        // A reaction is a change of its post: clients that catch up ask by this time.
        post.update_at = posts::stamp(tx, channel, |_, _| ());
        tx.put(&post_no, &post);
    }
    tx.put(&key, &reaction);
}

/// Whether one more emoji of this name fits on a post: another of a name that is there always
/// does.
pub fn has_room(rows: &(impl Read + ?Sized), post: PostNo, emoji: &str) -> bool {
    // Every reaction is by somebody, so the rows are many more than the names; what is over the
    // scan's limit counts as full.
    let rows_found = rows.prefix::<Reaction, _>(&post, REACTIONS_SCAN_MAX);
    if rows_found.len() >= REACTIONS_SCAN_MAX as usize {
        return false;
    }
    let mut names: Vec<&str> = rows_found
        .iter()
        .filter(|(_, reaction)| reaction.delete_at == 0)
        .map(|((_, _, name), _)| name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    names.contains(&emoji) || names.len() < EMOJI_PER_POST_MAX
}

/// Reactions of a post that are looked at to count its emoji; a post with more gets no new ones.
const REACTIONS_SCAN_MAX: u32 = 10_000;
