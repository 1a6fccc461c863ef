//! Applies posts: creation, new versions, deletion. Semantics §6.4.

use super::authorize::{Authorized, Peer, PostAct, PostChange, Shared};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::input::Incarnation;
use crate::model::{Post, Workspace};
use crate::objects::posts;
use crate::rows::counters::workspace;
use crate::rows::id::{FeedSeq, Id, PostNo, UserNo};
use crate::rows::tx::{Read, Tx};
use crate::wire::message::WirePost;

/// Carries out what was authorised; `message` is the text that mentions and policies have left.
pub fn apply(
    tx: &mut Tx<'_>,
    peer: &Peer,
    shared: &Authorized<Shared>,
    change: Authorized<PostChange<'_>>,
    message: String,
) {
    let PostChange { act, wire, version } = change.take();
    match act {
        PostAct::Create { id, author, root } => {
            let post = build(peer, shared, (id, author, root), wire, version, message);
            posts::insert(tx, post);
        }
        PostAct::Bury { id, author, root } => {
            let delete_at = if wire.delete_at == 0 {
                tx.now_ms()
            } else {
                wire.delete_at
            };
            let post = build(
                peer,
                shared,
                (id, author, root),
                wire,
                version,
                String::new(),
            );
            let is_fed = wire.delete_at != 0 && may_have_been_here(tx);
            posts::bury(tx, Post { delete_at, ..post }, is_fed);
        }
        PostAct::Update(no) => update(tx, no, wire, version, message),
        PostAct::Delete(no) => {
            note_version(tx, no, version);
            posts::delete(tx, no, wire.delete_at);
            posts::confirm_deletion(tx, no, wire.delete_at);
        }
        PostAct::Nothing(_) => {}
    }
}

/// Whether a post that is not here may have been passed on to others before a restore took it away:
/// then they hear of its deletion from here, or from nobody.
fn may_have_been_here(tx: &Tx<'_>) -> bool {
    let is_restored = |workspace: Workspace| workspace.incarnation.number > Incarnation::FIRST;
    Behaviour::SentAgain.is_in_force(tx) && workspace(tx).is_some_and(is_restored)
}

/// A post of the peer, built field by field: nothing that the peer says about who or where it is
/// is taken over.
fn build(
    peer: &Peer,
    shared: &Authorized<Shared>,
    (id, user, root): (Id, UserNo, Option<PostNo>),
    wire: &WirePost,
    version: i64,
    message: String,
) -> Post {
    Post {
        id,
        origin: peer.row.workspace,
        user,
        channel: shared.get().channel,
        root,
        create_at: wire.create_at,
        update_at: 0,
        edit_at: wire.edit_at,
        delete_at: 0,
        origin_update_at: version,
        is_pinned: wire.is_pinned,
        hashtags: posts::hashtags(&message),
        message,
        kind: wire.kind.clone(),
        props: wire.props.clone(),
        reply_count: 0,
        last_reply_at: 0,
        reaction_count: 0,
        pending_post_id: String::new(),
        feed_seq: FeedSeq(0),
        moderated: false,
    }
}

/// Takes over a newer version. Author, time of creation, thread and type never change. A real
/// server sends a post again when somebody answers or reacts to it: then only the version is noted.
fn update(tx: &mut Tx<'_>, no: PostNo, wire: &WirePost, version: i64, message: String) {
    let Some(mut post) = tx.get::<Post>(&no) else {
        return;
    };
    if post.delete_at != 0 {
        return;
    }
    let text_changed = post.message != message;
    let seen = text_changed || post.is_pinned != wire.is_pinned || post.props != wire.props;
    post.origin_update_at = version;
    if !seen {
        tx.put(&no, &post);
        return;
    }
    if text_changed {
        post.edit_at = if wire.edit_at > post.edit_at {
            wire.edit_at
        } else {
            version
        };
        post.hashtags = posts::hashtags(&message);
        post.message = message;
    }
    post.is_pinned = wire.is_pinned;
    post.props.clone_from(&wire.props);
    posts::update(tx, no, post);
}

fn note_version(tx: &mut Tx<'_>, no: PostNo, version: i64) {
    if let Some(mut post) = tx.get::<Post>(&no) {
        post.origin_update_at = post.origin_update_at.max(version);
        tx.put(&no, &post);
    }
}
