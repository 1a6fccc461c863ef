//! Reactions of local users.

use super::post;
use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::{Object, Refusal};
use crate::model::limits::EMOJI_PER_POST_MAX;
use crate::model::naming;
use crate::model::{Channel, Reaction, User};
use crate::objects::reactions;
use crate::rows::id::FeedSeq;
use crate::rows::id::{PostNo, UserNo, WorkspaceNo};
use crate::rows::tx::{Read, Tx};

/// Adds a reaction of the actor; one that is there stays as it is.
pub(super) fn add(
    tx: &mut Tx<'_>,
    actor: Actor,
    post_no: PostNo,
    emoji: &str,
) -> Result<Object, Refusal> {
    let user = authority::acting_user(tx, actor)?;
    let (post, channel) = post::readable(tx, post_no, user)?;
    let archived = "api.reaction.save.archived_channel.app_error";
    require_react(tx, (&channel, post.channel), user, archived)?;
    if !naming::is_emoji_name(emoji) {
        return Err(Refusal::new(
            400,
            "model.reaction.is_valid.emoji_name.app_error",
            "Invalid emoji name.",
        ));
    }
    let key = (post_no, user, emoji.to_string());
    let held = tx.get::<Reaction>(&key);
    if held.as_ref().is_none_or(|held| held.delete_at != 0) {
        if !reactions::has_room(tx, post_no, emoji) {
            return Err(Refusal::new(
                400,
                "app.reaction.save.save.too_many_reactions",
                format!("A post has at most {EMOJI_PER_POST_MAX} different emoji."),
            ));
        }
        let now_ms = tx.now_ms();
        let reaction = Reaction {
            origin: WorkspaceNo::OURS,
            create_at: now_ms,
            update_at: next_version(now_ms, held.as_ref()),
            delete_at: 0,
            feed_seq: held.map_or(FeedSeq(0), |held| held.feed_seq),
        };
        reactions::put(tx, post_no, user, emoji, reaction);
    }
    let (post_no, user, emoji) = key;
    Ok(Object::Reaction(post_no, user, emoji))
}

/// Removes a reaction: one's own, or another local user's as an administrator of the system. What a
/// peer's user said stays until they take it back. Nothing there is nothing to do.
pub(super) fn remove(
    tx: &mut Tx<'_>,
    actor: Actor,
    (post_no, owner): (PostNo, UserNo),
    emoji: &str,
) -> Result<Object, Refusal> {
    let user = authority::acting_user(tx, actor)?;
    let (post, channel) = post::readable(tx, post_no, user)?;
    let local = tx
        .get::<User>(&owner)
        .is_some_and(|owner| owner.origin.is_ours());
    if owner != user && !(local && authority::is_system_admin(tx, user)) {
        return Err(Refusal::forbidden());
    }
    let archived = "api.reaction.delete.archived_channel.app_error";
    require_react(tx, (&channel, post.channel), user, archived)?;
    let key = (post_no, owner, emoji.to_string());
    if let Some(held) = tx.get::<Reaction>(&key).filter(|held| held.delete_at == 0) {
        let update_at = next_version(tx.now_ms(), Some(&held));
        let reaction = Reaction {
            update_at,
            delete_at: update_at,
            ..held
        };
        reactions::put(tx, post_no, owner, emoji, reaction);
    }
    let (post_no, owner, emoji) = key;
    Ok(Object::Reaction(post_no, owner, emoji))
}

/// Insists that a user may react in a channel; the archived one has an error of its own here.
fn require_react(
    tx: &Tx<'_>,
    (channel, channel_no): (&Channel, crate::rows::id::ChannelNo),
    user: UserNo,
    archived: &str,
) -> Result<(), Refusal> {
    if channel.delete_at != 0 && authority::is_channel_member(tx, channel_no, user) {
        let text = "This channel is archived; its reactions stay as they are.";
        return Err(Refusal::new(403, archived, text));
    }
    authority::require_write(tx, channel_no, channel, user)
}

/// Rises with every change, also within a millisecond.
fn next_version(now_ms: i64, held: Option<&Reaction>) -> i64 {
    now_ms.max(held.map_or(0, |held| held.update_at.saturating_add(1)))
}
