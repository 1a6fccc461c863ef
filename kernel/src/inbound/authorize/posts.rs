//! Posts.

use std::collections::BTreeSet;

use super::{Authorized, Peer, PeerChannel, Received, has_at_most, is_time, member, own_user};
use crate::inbound::Reason;
use crate::model::Post;
use crate::model::limits::{
    HASHTAGS_BYTES_MAX, MESSAGE_CHARS_MAX, POST_TYPE_BYTES_MAX, REMOTE_PROPS_BYTES_MAX,
};
use crate::rows::id::{Id, PostNo, UserNo};
use crate::rows::lookup;
use crate::rows::tx::Read;
use crate::sharing::notice;
use crate::wire::message::WirePost;

/// What may be done with a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostAct {
    /// The post is new here.
    Create {
        /// Its id.
        id: Id,
        /// Its author, a user of the peer.
        author: UserNo,
        /// The root of its thread; also `None` for a root that comes earlier in the same frame.
        root: Option<PostNo>,
    },
    /// The post, or its thread, was deleted before it arrived for the first time: only the fact is stored.
    Bury {
        /// Its id.
        id: Id,
        /// Its author, a user of the peer.
        author: UserNo,
        /// The root of its thread, if that is known.
        root: Option<PostNo>,
    },
    /// This post of the peer has a newer version.
    Update(PostNo),
    /// This post of the peer is to be deleted.
    Delete(PostNo),
    /// The post is stored in this version or a newer one, or is deleted.
    Nothing(PostNo),
}

/// A post and what may be done with it.
#[derive(Clone, Debug)]
pub struct PostChange<'a> {
    /// What may be done.
    pub act: PostAct,
    /// The post.
    pub wire: &'a WirePost,
    /// Its version, by the origin's clock, in ms.
    pub version: i64,
}

/// May the peer create, change or delete this post? `ahead` names earlier posts of the frame that are not
/// stored yet.
pub fn post<'a>(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    shared: &Authorized<PeerChannel>,
    received: Received<&'a WirePost>,
    ahead: &BTreeSet<Id>,
) -> Result<Authorized<PostChange<'a>>, Reason> {
    let wire = received.0;
    let shared = shared.get();
    let id = Id::parse(&wire.id).ok_or(Reason::BadId)?;
    if wire.channel_id != shared.id.as_str() {
        return Err(Reason::WrongChannel);
    }
    let version = post_version(wire).ok_or(Reason::BadTime)?;
    let act = match lookup::post(rows, &wire.id) {
        Some(no) => known_post(rows, peer, shared, wire, version, no)?,
        None => new_post(rows, peer, shared, wire, id, ahead)?,
    };
    Ok(Authorized(PostChange { act, wire, version }))
}

/// The version of a post: the highest of its times, as not every sender reflects an edit or a deletion in
/// `update_at`. `None` if a time is impossible.
fn post_version(wire: &WirePost) -> Option<i64> {
    let times = [wire.create_at, wire.update_at, wire.edit_at, wire.delete_at];
    if wire.create_at == 0 || !times.into_iter().all(is_time) {
        return None;
    }
    times.into_iter().max()
}

fn known_post(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    shared: &PeerChannel,
    wire: &WirePost,
    version: i64,
    no: PostNo,
) -> Result<PostAct, Reason> {
    let post = rows.get::<Post>(&no).ok_or(Reason::UnknownPost)?;
    if post.channel != shared.channel {
        return Err(Reason::WrongChannel);
    }
    if !peer.owns_post(&post) {
        return Err(Reason::ForeignPost);
    }
    // Others may still show a post that a moderator here deleted: a deletion by its origin is forwarded to
    // them.
    if post.delete_at != 0 && !(post.moderated && wire.delete_at != 0) {
        return Ok(PostAct::Nothing(no));
    }
    if wire.delete_at != 0 {
        return Ok(PostAct::Delete(no));
    }
    if version <= post.origin_update_at {
        return Ok(PostAct::Nothing(no));
    }
    check_content(wire)?;
    Ok(PostAct::Update(no))
}

fn new_post(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    shared: &PeerChannel,
    wire: &WirePost,
    id: Id,
    ahead: &BTreeSet<Id>,
) -> Result<PostAct, Reason> {
    let author = member(rows, shared, own_user(rows, peer, &wire.user_id)?)?;
    if !is_post_type(&wire.kind) {
        return Err(Reason::BadType);
    }
    let root = match root_of(rows, shared, wire, ahead) {
        Ok(root) => root,
        // The thread of a deleted post does not matter.
        Err(_) if wire.delete_at != 0 => None,
        Err(reason) => return Err(reason),
    };
    let gone = root.as_ref().is_some_and(|(_, root)| root.delete_at != 0);
    let root = root.map(|(no, _)| no);
    if wire.delete_at != 0 || gone {
        return Ok(PostAct::Bury { id, author, root });
    }
    check_content(wire)?;
    Ok(PostAct::Create { id, author, root })
}

fn root_of(
    rows: &(impl Read + ?Sized),
    shared: &PeerChannel,
    wire: &WirePost,
    ahead: &BTreeSet<Id>,
) -> Result<Option<(PostNo, Post)>, Reason> {
    if wire.root_id.is_empty() {
        return Ok(None);
    }
    let Some(no) = lookup::post(rows, &wire.root_id) else {
        let id = Id::parse(&wire.root_id).ok_or(Reason::BadId)?;
        return if ahead.contains(&id) {
            Ok(None)
        } else {
            Err(Reason::UnknownRoot)
        };
    };
    let root = rows.get::<Post>(&no).ok_or(Reason::UnknownRoot)?;
    let can_be_root = root.root.is_none() && !notice::is_notice(rows, &root);
    if root.channel != shared.channel || !can_be_root {
        return Err(Reason::UnknownRoot);
    }
    Ok(Some((no, root)))
}

fn check_content(wire: &WirePost) -> Result<(), Reason> {
    let fits = has_at_most(&wire.message, MESSAGE_CHARS_MAX)
        && wire.props.len() <= REMOTE_PROPS_BYTES_MAX
        && wire.hashtags.len() <= HASHTAGS_BYTES_MAX;
    if fits { Ok(()) } else { Err(Reason::TooLarge) }
}

/// Whether a peer's post may have this type. System types are accepted, as every generation sends them;
/// nothing here acts on them. `system_ephemeral` is never stored by any server, and clients would show it as
/// a private message of ours.
fn is_post_type(kind: &str) -> bool {
    let prefixed = kind.starts_with("system_") || kind.starts_with("custom_");
    let plain = matches!(kind, "" | "me" | "reminder" | "slack_attachment");
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (plain || (prefixed && kind.bytes().all(letters)))
        && kind.len() <= POST_TYPE_BYTES_MAX
        && kind != "system_ephemeral"
}
