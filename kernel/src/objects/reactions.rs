//! Storage of reactions. Removed ones are kept as tombstones.

use crate::boundary::behaviour::Behaviour;
use crate::boundary::output::{Effect, Event, ReactionEvent};
use crate::model::{Post, Reaction};
use crate::objects::{posts, reaction_counts};
use crate::rows::id::{PostNo, UserNo};
use crate::rows::tx::{Read, Tx};
use crate::sharing::feed;

/// Stores a reaction, live or removed, counts it at its post, adds it to the feed and notifies the channel's
/// members if the visible state changes.
pub fn put(tx: &mut Tx<'_>, post_no: PostNo, user: UserNo, emoji: &str, mut reaction: Reaction) {
    let Some(mut post) = tx.get::<Post>(&post_no) else {
        return;
    };
    let key = (post_no, user, emoji.to_string());
    let held = tx.get::<Reaction>(&key);
    reaction_counts::changes(tx, &key, held.as_ref(), &reaction);
    let was_live = held.is_some_and(|held| held.delete_at == 0);
    // Taken back and given again between two messages: peers may have come meanwhile that were told of
    // neither.
    let is_given_anew =
        was_live && reaction.delete_at == 0 && Behaviour::ReactionsGivenAnew.is_in_force(tx);
    if is_given_anew {
        feed::reaction_changed(tx, (post_no, user, emoji), post.channel, &mut reaction);
    }
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
        // A reaction changes its post: clients that catch up query by this time.
        post.update_at = posts::stamp(tx, channel, |_, _| ());
        tx.put(&post_no, &post);
    }
    tx.put(&key, &reaction);
}
