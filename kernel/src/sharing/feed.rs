//! The change feed: what peers still need to receive, derived from one entry for each object.
//!
//! An entry is stored at `(scope, seq)`; a newer one of the same object replaces it, so the feed is bounded
//! by the objects of the followed channels. Entries that every peer has received are kept until the last link
//! of the channel ends: they are sent again if a peer is restored from an older copy.

use crate::model::limits::{CONNECTIONS_MAX, LINKS_PER_CHANNEL_MAX};
use crate::model::{
    Acknowledgement, Connection, ConnectionState, FeedEntry, FeedObject, Follower, Link, LinkState,
    Pending, Post, Reaction, RoundSource, Scope, SharedMembership, StatusCursor, StatusRow, User,
};
use crate::outbound::set_back;
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq, PostNo, UserNo, WorkspaceNo};
use crate::rows::key;
use crate::rows::tx::{Read, Tx};
use crate::sharing::directory;

/// Records that a post changed. Must be called before the row is stored: it sets `feed_seq`.
pub fn post_changed(tx: &mut Tx<'_>, post_no: PostNo, post: &mut Post) {
    let entry = FeedEntry {
        object: FeedObject::Post(post_no),
        origin: post.origin,
    };
    post.feed_seq = file(tx, Scope::channel(post.channel), entry, post.feed_seq);
}

/// Records that a reaction changed. Must be called before the row is stored: it sets `feed_seq`.
pub fn reaction_changed(
    tx: &mut Tx<'_>,
    key: (PostNo, UserNo, &str),
    channel_no: ChannelNo,
    reaction: &mut Reaction,
) {
    let object = FeedObject::Reaction(key.0, key.1, key.2.to_string());
    let entry = FeedEntry {
        object,
        origin: reaction.origin,
    };
    reaction.feed_seq = file(tx, Scope::channel(channel_no), entry, reaction.feed_seq);
}

/// Records that an acknowledgement changed. Must be called before the row is stored: it sets `feed_seq`.
pub fn acknowledgement_changed(
    tx: &mut Tx<'_>,
    (post_no, user): (PostNo, UserNo),
    channel_no: ChannelNo,
    acknowledgement: &mut Acknowledgement,
) {
    let entry = FeedEntry {
        object: FeedObject::Acknowledgement(post_no, user),
        origin: acknowledgement.origin,
    };
    let old = acknowledgement.feed_seq;
    acknowledgement.feed_seq = file(tx, Scope::channel(channel_no), entry, old);
}

/// Records that a membership changed; `origin` is the user's home. Must be called before the row is stored: it
/// sets `feed_seq`.
pub fn membership_changed(
    tx: &mut Tx<'_>,
    (channel, user): (ChannelNo, UserNo),
    origin: WorkspaceNo,
    membership: &mut SharedMembership,
) {
    let entry = FeedEntry {
        object: FeedObject::Membership(user),
        origin,
    };
    membership.feed_seq = file(tx, Scope::channel(channel), entry, membership.feed_seq);
}

/// Records that a user's profile changed. Must be called before the row is stored: it sets `feed_seq`. A new
/// user needs no entry: no peer holds the profile before it is sent with a post.
pub fn user_changed(tx: &mut Tx<'_>, user_no: UserNo, user: &mut User) {
    if tx.has::<User>(&user_no) {
        let entry = FeedEntry {
            object: FeedObject::User(user_no),
            origin: user.origin,
        };
        user.feed_seq = file(tx, Scope::PEOPLE, entry, user.feed_seq);
        if user.origin.is_ours() {
            directory::changed(tx);
        }
    }
}

/// The connections that lead to peers.
pub fn peers(tx: &mut Tx<'_>) -> std::rc::Rc<[Follower]> {
    followers(tx, Scope::PEOPLE)
}

/// Records that a user's status changed. Must be called before the row is stored: it sets `feed_seq`.
pub fn status_changed(tx: &mut Tx<'_>, user: UserNo, origin: WorkspaceNo, row: &mut StatusRow) {
    let entry = FeedEntry {
        object: FeedObject::Status(user),
        origin,
    };
    row.feed_seq = file(tx, Scope::STATUSES, entry, row.feed_seq);
}

/// Statuses are sent from now on: every peer gets all of them.
pub fn statuses_switched_on(tx: &mut Tx<'_>) {
    for follower in followers(tx, Scope::STATUSES).iter() {
        tx.delete::<StatusCursor>(&follower.connection);
        set_back(tx, follower.connection, |round| {
            if let RoundSource::Statuses { to } = &mut round.source {
                *to = FeedSeq(0);
            }
        });
        mark(tx, follower.connection, Pending::STATUSES, ChannelNo(0));
    }
}

/// Adds an entry, unless only its origin follows; returns the object's current sequence.
fn file(tx: &mut Tx<'_>, scope: Scope, entry: FeedEntry, old: FeedSeq) -> FeedSeq {
    let followers = followers(tx, scope);
    let mut others = followers
        .iter()
        .filter(|one| one.workspace != entry.origin)
        .peekable();
    if others.peek().is_none() {
        return old;
    }
    let (kind, channel) = match scope {
        Scope::PEOPLE => (Pending::PEOPLE, ChannelNo(0)),
        Scope::STATUSES => (Pending::STATUSES, ChannelNo(0)),
        Scope(channel) => (Pending::FEED, ChannelNo(channel)),
    };
    for follower in others {
        mark(tx, follower.connection, kind, channel);
    }
    if old.0 != 0 {
        tx.delete::<FeedEntry>(&(scope, old));
    }
    let seq = tx.next_feed();
    tx.put(&(scope, seq), &entry);
    seq
}

/// Records that a connection has work of a kind, and queues it for the end of the step.
pub fn mark(tx: &mut Tx<'_>, connection: ConnectionNo, kind: u8, channel: ChannelNo) {
    tx.touched.insert(connection);
    let key = (connection, kind, channel);
    if tx.marked.insert(key) && !tx.has::<Pending>(&key) {
        tx.put(&key, &Pending);
    }
}

/// Records that a connection has no work of a kind.
pub fn unmark(tx: &mut Tx<'_>, connection: ConnectionNo, kind: u8, channel: ChannelNo) {
    let key = (connection, kind, channel);
    tx.marked.remove(&key);
    tx.delete::<Pending>(&key);
}

/// The followers of a scope; read once in a step, and again after links changed.
fn followers(tx: &mut Tx<'_>, scope: Scope) -> std::rc::Rc<[Follower]> {
    if let Some(known) = tx.followers.get(&scope) {
        return known.clone();
    }
    let found: std::rc::Rc<[Follower]> = if [Scope::PEOPLE, Scope::STATUSES].contains(&scope) {
        tx.prefix::<Connection, ()>(&(), CONNECTIONS_MAX)
            .into_iter()
            .filter(|(_, connection)| connection.state == ConnectionState::Confirmed)
            .map(|(no, connection)| Follower {
                connection: no,
                workspace: connection.workspace,
            })
            .collect()
    } else {
        channel_followers(tx, ChannelNo(scope.0)).into()
    };
    tx.followers.insert(scope, found.clone());
    found
}

/// The connections that a channel is shared with or that are being invited to it.
pub fn channel_followers(rows: &(impl Read + ?Sized), channel: ChannelNo) -> Vec<Follower> {
    let live: Vec<ConnectionNo> = rows
        .prefix::<Link, _>(&channel, LINKS_PER_CHANNEL_MAX)
        .into_iter()
        .filter(|(_, link)| link.state != LinkState::Ended)
        .map(|((_, connection), _)| connection)
        .collect();
    let connections = rows.get_all::<Connection>(&live);
    live.into_iter()
        .zip(connections)
        .filter_map(|(no, connection)| {
            Some(Follower {
                connection: no,
                workspace: connection?.workspace,
            })
        })
        .collect()
}

/// Entries of a scope after a position, at most `rows_max`.
pub fn entries_after(
    rows: &(impl Read + ?Sized),
    scope: Scope,
    after: FeedSeq,
    rows_max: u32,
) -> Vec<(FeedSeq, FeedEntry)> {
    let range = crate::boundary::env::Range {
        from: key::encode(&(scope, FeedSeq(after.0.saturating_add(1)))),
        to: key::prefix_end(&key::encode(&scope)).unwrap_or_default(),
        reverse: false,
        rows_max,
        bytes_max: crate::rows::tx::SCAN_BYTES_MAX,
    };
    rows.rows::<FeedEntry>(&range)
        .into_iter()
        .map(|((_, seq), entry)| (seq, entry))
        .collect()
}
