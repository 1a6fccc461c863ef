//! Counts of a post's reactions, stored in rows, so that adding a reaction does not read the other ones of
//! its post.

use std::collections::BTreeMap;

use crate::boundary::behaviour::Behaviour;
use crate::model::limits::{
    EMOJI_PER_POST_MAX, REACTIONS_COUNTED_MAX, REMOTE_EMOJI_PER_POST_MAX, REMOVED_REACTIONS_MAX,
};
use crate::model::{EmojiCount, PostEmoji, Reaction, RemovedReactions};
use crate::rows::id::{PostNo, UserNo, WorkspaceNo};
use crate::rows::tx::{Read, Tx};

/// Key of a reaction: the post, who reacted, the emoji's name.
type Key = (PostNo, UserNo, String);

/// Why a reaction cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The limit of different emoji on the post is reached.
    Emoji,
    /// The limit of removed reactions to the post kept for the user, or for the user's workspace, is reached.
    Removed,
}

/// Whether a reaction that is not live may be added; `held` is its row, if it existed before, and `workspace`
/// is its user's home.
///
/// # Errors
/// The limit that is reached.
pub fn check_room(
    tx: &mut Tx<'_>,
    key: &Key,
    held: Option<&Reaction>,
    workspace: WorkspaceNo,
) -> Result<(), Full> {
    let (post, user, emoji) = key;
    if !Behaviour::CountedReactions.is_in_force(tx) {
        return uncounted_room(tx, *post, emoji);
    }
    let different = different_emoji(tx, *post);
    if held.is_none() && !may_remember(tx, *post, *user, workspace) {
        return Err(Full::Removed);
    }
    let emoji_max = if workspace.is_ours() {
        EMOJI_PER_POST_MAX
    } else {
        REMOTE_EMOJI_PER_POST_MAX
    };
    let fits = different < emoji_max || tx.has::<EmojiCount>(&(*post, emoji.clone()));
    if fits { Ok(()) } else { Err(Full::Emoji) }
}

/// Whether another removed reaction to a post may be kept for a user.
pub fn may_remember(tx: &Tx<'_>, post: PostNo, user: UserNo, workspace: WorkspaceNo) -> bool {
    let kept = tx.get::<RemovedReactions>(&share(post, user, workspace));
    kept.is_none_or(|kept| kept.0 < REMOVED_REACTIONS_MAX)
}

/// Updates the counts when a reaction is about to replace the stored one.
pub fn changes(tx: &mut Tx<'_>, key: &Key, held: Option<&Reaction>, reaction: &Reaction) {
    if !Behaviour::CountedReactions.is_in_force(tx) {
        return;
    }
    let (post, user, emoji) = key;
    let different = different_emoji(tx, *post);
    let share = share(*post, *user, reaction.origin);
    let removed = |row: &Reaction| row.delete_at != 0;
    match (held.map(removed), removed(reaction)) {
        (Some(false), false) | (Some(true), true) => {}
        (before, false) => {
            if before.is_some() {
                change_removed(tx, share, |kept| kept.saturating_sub(1));
            }
            change_emoji(tx, (*post, emoji.clone()), different, |live| {
                live.saturating_add(1)
            });
        }
        (before, true) => {
            change_removed(tx, share, |kept| kept.saturating_add(1));
            if before.is_some() {
                change_emoji(tx, (*post, emoji.clone()), different, |live| {
                    live.saturating_sub(1)
                });
            }
        }
    }
}

/// The owner of a count of removed reactions: local users are counted individually, so that none can use up
/// the share of others; a peer has one count for all of its users.
fn share(post: PostNo, user: UserNo, workspace: WorkspaceNo) -> (PostNo, WorkspaceNo, UserNo) {
    let user = if workspace.is_ours() { user } else { UserNo(0) };
    (post, workspace, user)
}

fn change_removed(
    tx: &mut Tx<'_>,
    share: (PostNo, WorkspaceNo, UserNo),
    change: impl FnOnce(u32) -> u32,
) {
    let kept = tx.get::<RemovedReactions>(&share).map_or(0, |kept| kept.0);
    match change(kept) {
        0 => tx.delete::<RemovedReactions>(&share),
        kept => tx.put(&share, &RemovedReactions(kept)),
    }
}

fn change_emoji(
    tx: &mut Tx<'_>,
    key: (PostNo, String),
    different: u32,
    change: impl FnOnce(u32) -> u32,
) {
    let before = tx.get::<EmojiCount>(&key).map_or(0, |live| live.0);
    let after = change(before);
    let different = match (before, after) {
        (0, 1..) => different.saturating_add(1),
        (1.., 0) => different.saturating_sub(1),
        _ => different,
    };
    match after {
        0 => tx.delete::<EmojiCount>(&key),
        live => tx.put(&key, &EmojiCount(live)),
    }
    tx.put(&key.0, &PostEmoji(different));
}

/// The number of different emoji on a post. Those of a post from before they were counted are counted now,
/// once.
fn different_emoji(tx: &mut Tx<'_>, post: PostNo) -> u32 {
    if let Some(counted) = tx.get::<PostEmoji>(&post) {
        return counted.0;
    }
    let mut emoji: BTreeMap<String, u32> = BTreeMap::new();
    let mut removed = BTreeMap::new();
    for ((_, user, name), row) in tx.prefix::<Reaction, _>(&post, REACTIONS_COUNTED_MAX) {
        let slot: &mut u32 = if row.delete_at == 0 {
            emoji.entry(name).or_default()
        } else {
            removed.entry(share(post, user, row.origin)).or_default()
        };
        *slot = slot.saturating_add(1);
    }
    let different = u32::try_from(emoji.len()).unwrap_or(u32::MAX);
    for (name, live) in emoji {
        tx.put(&(post, name), &EmojiCount(live));
    }
    for (share, kept) in removed {
        tx.put(&share, &RemovedReactions(kept));
    }
    tx.put(&post, &PostEmoji(different));
    different
}

/// The rule from before reactions were counted: it reads all of them, and a post with
/// [`REACTIONS_COUNTED_MAX`] does not accept any more.
fn uncounted_room(tx: &Tx<'_>, post: PostNo, emoji: &str) -> Result<(), Full> {
    let found = tx.prefix::<Reaction, _>(&post, REACTIONS_COUNTED_MAX);
    let mut names: Vec<&str> = found
        .iter()
        .filter(|(_, reaction)| reaction.delete_at == 0)
        .map(|((_, _, name), _)| name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    let fits = found.len() < REACTIONS_COUNTED_MAX as usize
        && (names.contains(&emoji) || names.len() < EMOJI_PER_POST_MAX as usize);
    if fits { Ok(()) } else { Err(Full::Emoji) }
}
