//! Earlier versions of posts: their author may look at them and return to one. Client API §6.4.

use crate::boundary::behaviour::Behaviour;
use crate::model::limits::EARLIER_VERSIONS_MAX;
use crate::model::{EarlierVersion, Post};
use crate::rows::id::PostNo;
use crate::rows::tx::{Read, Tx};

/// Called when the text of a post has changed in this step. The posts of others have their versions where their
/// authors are at home.
pub(super) fn edited(tx: &mut Tx<'_>, no: PostNo, old: &Post, post: &Post) {
    let is_kept = post.origin.is_ours() && Behaviour::EarlierVersions.is_in_force(tx);
    if old.message == post.message || !is_kept {
        return;
    }
    let held = tx.prefix::<EarlierVersion, _>(&no, EARLIER_VERSIONS_MAX);
    let number = held.last().map_or(0, |((_, number), _)| *number + 1);
    if held.len() >= EARLIER_VERSIONS_MAX as usize
        && let Some((oldest, _)) = held.first()
    {
        tx.delete::<EarlierVersion>(oldest);
    }
    let version = EarlierVersion {
        message: old.message.clone(),
        written_at: old.edit_at.max(old.create_at),
    };
    tx.put(&(no, number), &version);
}

/// Called when a post loses its text.
pub(super) fn deleted(tx: &mut Tx<'_>, no: PostNo, post: &Post) {
    if post.edit_at == 0 {
        return;
    }
    for (key, _) in tx.prefix::<EarlierVersion, _>(&no, EARLIER_VERSIONS_MAX) {
        tx.delete::<EarlierVersion>(&key);
    }
}
