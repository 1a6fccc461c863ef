//! What a peer may do. Everything that comes in a frame is [`Received`]; only what this module has
//! checked becomes [`Authorized`], and only that can be applied: the constructor is private here.
//!
//! The rules: a peer is the authenticated connection, never what a frame says about itself. A peer
//! may make and change the users of its own workspace; write posts by them, and change and delete
//! posts that were written there, in channels that are shared with this very connection; and add
//! and remove reactions of its users on posts of such a channel.

use std::collections::BTreeSet;

use super::Reason;
use crate::model::limits::{
    EMAIL_BYTES_MAX, EMOJI_BYTES_MAX, HASHTAGS_BYTES_MAX, MESSAGE_CHARS_MAX, NAME_CHARS_MAX,
    POSITION_CHARS_MAX, POST_TYPE_BYTES_MAX, REMOTE_PROPS_BYTES_MAX, TIME_MAX_MS,
    USER_PROPS_BYTES_MAX,
};
use crate::model::naming;
use crate::model::{
    Channel, Connection, ConnectionState, Link, LinkState, Post, Reaction, RemoteUser, User,
};
use crate::rows::id::{ChannelNo, ConnectionNo, Id, PostNo, TeamNo, UserNo};
use crate::rows::lookup;
use crate::rows::tx::Read;
use crate::wire::message::{WirePost, WireReaction, WireUser};

/// Who sent a frame: the authenticated connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its number.
    pub no: ConnectionNo,
    /// Its record.
    pub row: Connection,
}

impl Peer {
    /// The peer behind a connection, if that may speak: an invitation that nobody has confirmed
    /// yet and a removed connection may not.
    pub fn load(rows: &(impl Read + ?Sized), no: ConnectionNo) -> Option<Peer> {
        let row = rows.get::<Connection>(&no)?;
        let speaks = matches!(
            row.state,
            ConnectionState::Confirming | ConnectionState::Confirmed
        );
        speaks.then_some(Peer { no, row })
    }

    fn owns_user(&self, user: &User) -> bool {
        !user.origin.is_ours() && user.origin == self.row.workspace
    }

    fn owns_post(&self, post: &Post) -> bool {
        !post.origin.is_ours() && post.origin == self.row.workspace
    }
}

/// Something that a peer sent and that nobody has judged.
#[derive(Clone, Debug)]
pub struct Received<T>(T);

impl<T> Received<T> {
    /// Marks what came from a peer.
    pub fn new(item: T) -> Received<T> {
        Received(item)
    }
}

/// Something that a peer may do. It holds for the rows that it was checked against; what an item
/// before it may have changed is authorised again.
#[derive(Clone, Debug)]
pub struct Authorized<T>(T);

impl<T> Authorized<T> {
    /// What may be done.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// Takes it, to do it.
    pub fn take(self) -> T {
        self.0
    }
}

/// A channel that is shared with the peer.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Its number.
    pub channel: ChannelNo,
    /// Its id.
    pub id: Id,
    /// Its URL name.
    pub name: String,
    /// Its team.
    pub team: TeamNo,
}

/// Why a channel is closed to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// There is no such channel.
    Unknown,
    /// It is not shared with this connection, or no longer.
    NotShared,
}

/// The channel of an id, if it is shared with the peer.
pub fn channel(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    id: &str,
) -> Result<Authorized<Shared>, Closed> {
    let no = lookup::channel(rows, id).ok_or(Closed::Unknown)?;
    shared_channel(rows, peer, no)
}

/// The channel of a number, if it is shared with the peer.
pub fn shared_channel(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    no: ChannelNo,
) -> Result<Authorized<Shared>, Closed> {
    let channel = rows.get::<Channel>(&no).ok_or(Closed::Unknown)?;
    let link = rows.get::<Link>(&(no, peer.no)).ok_or(Closed::NotShared)?;
    if link.state == LinkState::Ended {
        return Err(Closed::NotShared);
    }
    Ok(Authorized(Shared {
        channel: no,
        id: channel.id,
        name: channel.name,
        team: channel.team,
    }))
}

/// What may be done with a profile.
#[derive(Clone, Debug)]
pub enum UserAct {
    /// The user is new here.
    Create(Id),
    /// This user has a newer profile.
    Update(UserNo),
    /// This user's profile is the one we hold, or newer than the one that came.
    Nothing(UserNo),
}

/// A profile and what may be done with it.
#[derive(Clone, Debug)]
pub struct UserChange {
    /// What.
    pub act: UserAct,
    /// The profile.
    pub wire: WireUser,
}

/// May the peer make or change this user? Only if it is unknown, or lives at the peer.
pub fn user(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    received: Received<WireUser>,
) -> Result<Authorized<UserChange>, Reason> {
    let wire = received.0;
    let id = Id::parse(&wire.id).ok_or(Reason::BadId)?;
    let act = match lookup::user(rows, &wire.id) {
        None => {
            check_profile(&wire)?;
            UserAct::Create(id)
        }
        Some(no) => {
            let user = rows.get::<User>(&no).ok_or(Reason::UnknownUser)?;
            if !peer.owns_user(&user) {
                return Err(Reason::ForeignUser);
            }
            check_profile(&wire)?;
            let held = user
                .remote
                .as_ref()
                .map_or(0, |remote: &RemoteUser| remote.origin_update_at);
            if wire.update_at > held {
                UserAct::Update(no)
            } else {
                UserAct::Nothing(no)
            }
        }
    };
    Ok(Authorized(UserChange { act, wire }))
}

fn check_profile(wire: &WireUser) -> Result<(), Reason> {
    if !naming::is_remote_username(&wire.username) {
        return Err(Reason::BadName);
    }
    if ![wire.create_at, wire.update_at, wire.delete_at]
        .into_iter()
        .all(is_time)
    {
        return Err(Reason::BadTime);
    }
    let names = [&wire.nickname, &wire.first_name, &wire.last_name];
    let fits = names
        .into_iter()
        .all(|name| has_at_most(name, NAME_CHARS_MAX))
        && has_at_most(&wire.position, POSITION_CHARS_MAX)
        && wire.email.len() <= EMAIL_BYTES_MAX
        && wire.props.len() <= USER_PROPS_BYTES_MAX
        && wire.timezone.len() <= USER_PROPS_BYTES_MAX;
    if fits { Ok(()) } else { Err(Reason::TooLarge) }
}

/// What may be done with a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostAct {
    /// The post is new here.
    Create {
        /// Its id.
        id: Id,
        /// Its author, a user of the peer.
        author: UserNo,
        /// The root of its thread; `None` also for one that comes earlier in the same frame.
        root: Option<PostNo>,
    },
    /// The post was deleted before it came for the first time, or its thread was: only the fact
    /// is stored.
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
    /// The post is held in this version or a newer one, or is deleted.
    Nothing(PostNo),
}

/// A post and what may be done with it.
#[derive(Clone, Debug)]
pub struct PostChange<'a> {
    /// What.
    pub act: PostAct,
    /// The post.
    pub wire: &'a WirePost,
    /// Its version, by the origin's clock, in ms.
    pub version: i64,
}

/// May the peer make, change or delete this post? `ahead` names posts that the frame brings before
/// it and that are not stored yet.
pub fn post<'a>(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    shared: &Authorized<Shared>,
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

/// The version of a post: the highest of its times, as an edit or a deletion need not show in
/// `update_at` at every sender. `None` when a time is impossible.
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
    shared: &Shared,
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
    // What a moderator here deleted, others may still show: its origin's own word goes on to them.
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
    shared: &Shared,
    wire: &WirePost,
    id: Id,
    ahead: &BTreeSet<Id>,
) -> Result<PostAct, Reason> {
    let author = own_user(rows, peer, &wire.user_id)?;
    if !is_post_type(&wire.kind) {
        return Err(Reason::BadType);
    }
    let root = match root_of(rows, shared, wire, ahead) {
        Ok(root) => root,
        // Of a deleted post nobody will miss the thread.
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
    shared: &Shared,
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
    if root.channel != shared.channel || root.root.is_some() {
        return Err(Reason::UnknownRoot);
    }
    Ok(Some((no, root)))
}

/// The user of an id, if it lives at the peer.
fn own_user(rows: &(impl Read + ?Sized), peer: &Peer, id: &str) -> Result<UserNo, Reason> {
    let no = lookup::user(rows, id).ok_or(Reason::UnknownUser)?;
    let user = rows.user(no).ok_or(Reason::UnknownUser)?;
    if peer.owns_user(&user) {
        Ok(no)
    } else {
        Err(Reason::ForeignUser)
    }
}

fn check_content(wire: &WirePost) -> Result<(), Reason> {
    let fits = has_at_most(&wire.message, MESSAGE_CHARS_MAX)
        && wire.props.len() <= REMOTE_PROPS_BYTES_MAX
        && wire.hashtags.len() <= HASHTAGS_BYTES_MAX;
    if fits { Ok(()) } else { Err(Reason::TooLarge) }
}

/// Whether a peer's post may have this type. System types are taken, as every generation sends
/// them; nothing here acts on them. `system_ephemeral` is never stored by any server, and clients
/// would show it as a private word of ours.
fn is_post_type(kind: &str) -> bool {
    let prefixed = kind.starts_with("system_") || kind.starts_with("custom_");
    let plain = matches!(kind, "" | "me" | "reminder" | "slack_attachment");
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (plain || (prefixed && kind.bytes().all(letters)))
        && kind.len() <= POST_TYPE_BYTES_MAX
        && kind != "system_ephemeral"
}

/// What may be done with a reaction.
#[derive(Clone, Debug)]
pub struct ReactionChange {
    /// The post.
    pub post: PostNo,
    /// Who reacts: a user of the peer.
    pub user: UserNo,
    /// The reaction.
    pub wire: WireReaction,
    /// Its version, by the origin's clock, in ms.
    pub version: i64,
    /// Whether there is anything to change: false when this version or a newer one is held.
    pub newer: bool,
}

/// A reaction's version and user, as far as they can be told before its post is known: what has
/// to wait for its post has passed this.
pub fn reacting_user(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    wire: &WireReaction,
) -> Result<(UserNo, i64), Reason> {
    if Id::parse(&wire.user_id).is_none() || Id::parse(&wire.post_id).is_none() {
        return Err(Reason::BadId);
    }
    if !is_emoji_name(&wire.emoji_name) {
        return Err(Reason::BadEmoji);
    }
    let times = [wire.create_at, wire.update_at, wire.delete_at];
    if !times.into_iter().all(is_time) {
        return Err(Reason::BadTime);
    }
    let version = times.into_iter().max().unwrap_or_default();
    Ok((own_user(rows, peer, &wire.user_id)?, version))
}

/// May the peer add or remove this reaction?
pub fn reaction(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    shared: &Authorized<Shared>,
    received: Received<WireReaction>,
) -> Result<Authorized<ReactionChange>, Reason> {
    let wire = received.0;
    let (user, version) = reacting_user(rows, peer, &wire)?;
    let post_no = lookup::post(rows, &wire.post_id).ok_or(Reason::UnknownPost)?;
    let post = rows.get::<Post>(&post_no).ok_or(Reason::UnknownPost)?;
    if post.channel != shared.get().channel {
        return Err(Reason::WrongChannel);
    }
    if post.delete_at != 0 {
        return Err(Reason::UnknownPost);
    }
    let held = rows.get::<Reaction>(&(post_no, user, wire.emoji_name.clone()));
    // Of two changes in one millisecond the removal is the later one: an addition that follows a
    // removal has a later time, as every sender asks the user twice.
    let newer = held.is_none_or(|held| {
        let removal = wire.delete_at != 0 && held.delete_at == 0;
        version > held.update_at || (version == held.update_at && removal)
    });
    Ok(Authorized(ReactionChange {
        post: post_no,
        user,
        wire,
        version,
        newer,
    }))
}

/// Whether an emoji may have this name.
fn is_emoji_name(name: &str) -> bool {
    (1..=EMOJI_BYTES_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'_'))
}

fn is_time(ms: i64) -> bool {
    (0..=TIME_MAX_MS).contains(&ms)
}

fn has_at_most(text: &str, chars: usize) -> bool {
    text.len() <= chars || text.chars().nth(chars).is_none()
}
