//! Rows for the mentions in posts. They exist as long as the mention does, so unseen mentions of a member are
//! counted without reading the posts. Client API §7.1.

use std::collections::BTreeSet;

use crate::authority::is_channel_member;
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::mention::{self, Reading};
use crate::model::limits::MENTION_LOOKUPS_MAX;
use crate::model::{Mention, Place, Post, PostMention};
use crate::objects::posts;
use crate::rows::id::{PostNo, UserNo};
use crate::rows::tx::{Read, Tx};

/// Called after a post was written in this step and its `update_at` stamped.
pub(super) fn posted(tx: &mut Tx<'_>, no: PostNo, post: &Post) {
    if may_mention(tx, post) && Behaviour::MentionsKept.is_in_force(tx) {
        add(tx, no, post, &mentioned(tx, post));
    }
}

/// Called after the text of a post was changed in this step and its `update_at` stamped. Users mentioned
/// before are not notified again; their mention counts as seen if it was seen before.
pub(super) fn edited(tx: &mut Tx<'_>, no: PostNo, old: &Post, post: &Post) {
    if old.message == post.message || !Behaviour::MentionsKept.is_in_force(tx) {
        return;
    }
    let (before, now) = (mentioned(tx, old), mentioned(tx, post));
    remove(tx, no, old, |who| !now.contains(&who));
    add(tx, no, post, &now.difference(&before).copied().collect());
}

/// Called when a post loses its text.
pub(super) fn deleted(tx: &mut Tx<'_>, no: PostNo, post: &Post) {
    remove(tx, no, post, |_| true);
}

/// Whether a post notifies a user: it mentions them, or everybody, and is not their own.
pub fn tells(rows: &(impl Read + ?Sized), no: PostNo, post: &Post, user: UserNo) -> bool {
    let is_told = |who: UserNo| rows.has::<PostMention>(&(no, who));
    post.user != user && (is_told(user) || is_told(Mention::EVERYBODY))
}

/// The users mentioned by a post: local members of its channel, or everybody in it.
fn mentioned(tx: &Tx<'_>, post: &Post) -> BTreeSet<UserNo> {
    if posts::is_system(&post.kind) {
        return BTreeSet::new();
    }
    let Some(place) = place_of(tx, post) else {
        return BTreeSet::new();
    };
    let reading = Reading::of(tx);
    // A post in a direct channel is addressed to the other member.
    if place == Place::Direct || mention::addresses_everybody(&post.message, reading) {
        return BTreeSet::from([Mention::EVERYBODY]);
    }
    let is_local = |user: UserNo| tx.user(user).is_some_and(|row| row.origin.is_ours());
    mention::find(tx, (post.channel, place), &post.message)
        .into_iter()
        .map(|found| found.user)
        .filter(|user| *user != post.user && is_local(*user))
        .filter(|user| is_channel_member(tx, post.channel, *user))
        .collect()
}

/// Whether a post may mention anybody. Most do not, and no further rows are read for them.
fn may_mention(tx: &Tx<'_>, post: &Post) -> bool {
    post.message.contains('@') || place_of(tx, post) == Some(Place::Direct)
}

fn place_of(tx: &Tx<'_>, post: &Post) -> Option<Place> {
    tx.channel(post.channel).map(|channel| channel.place)
}

fn add(tx: &mut Tx<'_>, no: PostNo, post: &Post, who: &BTreeSet<UserNo>) {
    let at_ms = post.update_at;
    for who in who {
        let row = Mention {
            author: post.user,
            is_root: post.root.is_none(),
        };
        tx.put(&(post.channel, *who, at_ms, no), &row);
        tx.put(&(no, *who), &PostMention { at_ms });
    }
}

fn remove(tx: &mut Tx<'_>, no: PostNo, post: &Post, is_gone: impl Fn(UserNo) -> bool) {
    if !may_mention(tx, post) {
        return;
    }
    for (key, row) in tx.prefix::<PostMention, _>(&no, MENTION_LOOKUPS_MAX + 1) {
        let (_, who) = key;
        if is_gone(who) {
            tx.delete::<Mention>(&(post.channel, who, row.at_ms, no));
            tx.delete::<PostMention>(&key);
        }
    }
}
