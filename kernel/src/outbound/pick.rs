//! Selects what a connection is sent next: invitations, profiles, due exceptions, statuses and the feeds of its
//! channels in turn, then history, memberships from before they were shared, and finally people who are offered
//! without a channel.

use super::sections::users::{is_version, version};
use super::work::{Object, Target, Work};
use super::{exception, objects_max, pictures, profiles};
use crate::authority::is_channel_member;
use crate::boundary::env::Range;
use crate::model::limits::{
    CHANNELS_PER_USER_MAX, HISTORY_ACKNOWLEDGEMENTS_MAX, HISTORY_REACTIONS_MAX, ITEM_ALONE_AFTER,
    OBJECTS_PER_ROUND_MAX, PEOPLE_PER_STEP_MAX, STATUSES_PER_SYNC_MAX, USERS_PER_SYNC_MAX,
};
use crate::model::{
    Acknowledgement, ChannelPost, Connection, Exception, ExceptionState, FeedObject, Link,
    LinkState, PeerKind, Pending, Post, Reaction, RoundSource, Scope, SentUser, StatusCursor, User,
};
use crate::objects::memberships;
use crate::rows::counters::connected_workspaces;
use crate::rows::due;
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq, PostNo, UserNo};
use crate::rows::key;
use crate::rows::tx::{Read, SCAN_BYTES_MAX, Tx};
use crate::sharing::directory;
use crate::sharing::feed::{entries_after, mark, unmark};

/// The result of a search.
pub enum Picked {
    /// A round to start.
    Work(Box<Work>),
    /// A position moved or a mark was removed; search again.
    Again,
    /// The connection has nothing to send now.
    Nothing,
}

/// Finds the next round of a connection that has none. Each call examines one candidate, so its cost is
/// bounded by one round's objects.
pub fn next(tx: &mut Tx<'_>, no: ConnectionNo, connection: Connection) -> Picked {
    let first = tx.prefix::<Pending, _>(&no, 1).into_iter().next();
    let first = first.map(|((_, kind, channel), _)| (kind, channel));
    match first {
        Some((Pending::INVITE, channel)) => return invite(tx, no, connection, channel),
        Some((Pending::PEOPLE, _)) => return people(tx, no, connection),
        _ => {}
    }
    let states = tx.prefix::<Pending, _>(&(no, Pending::SHARING_STATE), 1);
    if let Some(((_, _, channel), _)) = states.first() {
        return sharing_state(tx, no, connection, *channel);
    }
    let times = exception::times(tx, no, OBJECTS_PER_ROUND_MAX);
    if let Some(first) = times.first() {
        if first.0.1 <= tx.now_ms() {
            return exceptions(tx, no, connection, &times);
        }
        due::send_at(tx, first.0.1, no);
    }
    match first {
        Some((Pending::STATUSES, _)) => statuses(tx, no, connection),
        Some((kind, _)) => {
            let Some(channel) = in_turn(tx, no, kind, connection.turn) else {
                return statuses(tx, no, connection);
            };
            match kind {
                Pending::FEED => feed(tx, no, connection, channel),
                Pending::HISTORY => history(tx, no, connection, channel),
                Pending::MEMBERS => members(tx, no, connection, channel),
                _ => people_offered(tx, no, connection),
            }
        }
        None => Picked::Nothing,
    }
}

/// The marked channel after the one served last; `None` if it is the turn of statuses.
fn in_turn(tx: &Tx<'_>, no: ConnectionNo, kind: u8, turn: ChannelNo) -> Option<ChannelNo> {
    let from = |channel| {
        let range = Range {
            from: key::encode(&(no, kind, channel)),
            to: key::prefix_end(&key::encode(&(no, kind))).unwrap_or_default(),
            reverse: false,
            rows_max: 1,
            bytes_max: SCAN_BYTES_MAX,
        };
        tx.rows::<Pending>(&range)
            .first()
            .map(|((_, _, channel), _)| *channel)
    };
    let next = from(ChannelNo(turn.0.saturating_add(1)));
    if next.is_some() {
        return next;
    }
    let has_statuses = tx.has::<Pending>(&(no, Pending::STATUSES, ChannelNo(0)));
    if has_statuses && turn != Connection::TURN_OF_STATUSES {
        return None;
    }
    from(ChannelNo(0))
}

fn start(
    no: ConnectionNo,
    connection: Connection,
    target: Target,
    source: RoundSource,
    objects: Vec<Object>,
) -> Picked {
    Picked::Work(Box::new(Work::start(
        no, connection, target, source, objects,
    )))
}

fn invite(tx: &mut Tx<'_>, no: ConnectionNo, connection: Connection, channel: ChannelNo) -> Picked {
    match tx.get::<Link>(&(channel, no)) {
        Some(link) if link.state == LinkState::Inviting => {
            let target = Target::Channel(channel, link);
            start(no, connection, target, RoundSource::Invite, Vec::new())
        }
        _ => {
            unmark(tx, no, Pending::INVITE, channel);
            Picked::Again
        }
    }
}

/// A channel that we offer has no state to report: its invitation says more.
fn sharing_state(
    tx: &mut Tx<'_>,
    no: ConnectionNo,
    connection: Connection,
    channel: ChannelNo,
) -> Picked {
    match tx.get::<Link>(&(channel, no)) {
        Some(link) if !link.is_unanswered() => {
            let is_shared = link.state != LinkState::Ended;
            let target = Target::Channel(channel, link);
            let source = RoundSource::SharingState { is_shared };
            start(no, connection, target, source, Vec::new())
        }
        _ => {
            unmark(tx, no, Pending::SHARING_STATE, channel);
            Picked::Again
        }
    }
}

/// A link that may be sent to now; otherwise its mark is removed (after a pause, a due row restores it).
fn sendable(tx: &mut Tx<'_>, no: ConnectionNo, kind: u8, channel: ChannelNo) -> Option<Link> {
    let link = tx.get::<Link>(&(channel, no));
    let link = link.filter(|link| link.state == LinkState::Active && link.retry_at <= tx.now_ms());
    if link.is_none() {
        unmark(tx, no, kind, channel);
    }
    link
}

fn limit(tx: &Tx<'_>, connection: &Connection, link: &Link) -> u32 {
    let most = objects_max(tx, connection.kind);
    if link.items_max == 0 {
        most
    } else {
        most.min(link.items_max)
    }
}

fn feed(tx: &mut Tx<'_>, no: ConnectionNo, connection: Connection, channel: ChannelNo) -> Picked {
    let Some(mut link) = sendable(tx, no, Pending::FEED, channel) else {
        return Picked::Again;
    };
    let rows_max = limit(tx, &connection, &link);
    let found = entries_after(tx, Scope::channel(channel), link.cursor.seq, rows_max);
    let Some((to, _)) = found.last().cloned() else {
        unmark(tx, no, Pending::FEED, channel);
        return Picked::Again;
    };
    let objects: Vec<Object> = found
        .into_iter()
        .filter(|(_, entry)| entry.origin != connection.workspace)
        .map(|(seq, entry)| (seq, entry.object))
        .filter(|(_, object)| object.is_known_to(connection.kind))
        .collect();
    if objects.is_empty() {
        link.cursor.seq = to;
        tx.put(&(channel, no), &link);
        return Picked::Again;
    }
    let target = Target::Channel(channel, link);
    start(no, connection, target, RoundSource::Feed { to }, objects)
}

fn history(
    tx: &mut Tx<'_>,
    no: ConnectionNo,
    connection: Connection,
    channel: ChannelNo,
) -> Picked {
    let Some(mut link) = sendable(tx, no, Pending::HISTORY, channel) else {
        return Picked::Again;
    };
    let Some((ordered_at, post)) = link.cursor.history else {
        unmark(tx, no, Pending::HISTORY, channel);
        return Picked::Again;
    };
    let range = Range {
        from: key::encode(&(channel, ordered_at, PostNo(post.saturating_add(1)))),
        to: key::prefix_end(&key::encode(&channel)).unwrap_or_default(),
        reverse: false,
        rows_max: limit(tx, &connection, &link),
        bytes_max: SCAN_BYTES_MAX,
    };
    let rows: Vec<(i64, PostNo)> = tx
        .rows::<ChannelPost>(&range)
        .into_iter()
        .map(|((_, ordered_at, post), _)| (ordered_at, post))
        .collect();
    if rows.is_empty() {
        unmark(tx, no, Pending::HISTORY, channel);
        return Picked::Again;
    }
    let (to, objects) = history_objects(tx, &rows, link.posts_before, &connection);
    if objects.is_empty() {
        link.cursor.history = Some(to);
        tx.put(&(channel, no), &link);
        return Picked::Again;
    }
    let target = Target::Channel(channel, link);
    start(no, connection, target, RoundSource::History { to }, objects)
}

/// Live posts with their live reactions and acknowledgements, except those that came from the peer, and the
/// last position that they cover.
fn history_objects(
    tx: &Tx<'_>,
    rows: &[(i64, PostNo)],
    posts_before: PostNo,
    connection: &Connection,
) -> ((i64, u64), Vec<Object>) {
    let peer = connection.workspace;
    let numbers: Vec<PostNo> = rows.iter().map(|(_, number)| *number).collect();
    let posts = tx.get_all::<Post>(&numbers);
    let mut to = (i64::MIN, 0);
    let mut objects = Vec::new();
    for ((ordered_at, number), post) in rows.iter().zip(posts) {
        if objects.len() >= OBJECTS_PER_ROUND_MAX as usize {
            break;
        }
        to = (*ordered_at, number.0);
        let is_old = |post: &Post| post.delete_at == 0 && *number <= posts_before;
        let Some(post) = post.filter(is_old) else {
            continue;
        };
        if post.origin != peer {
            objects.push((FeedSeq(0), FeedObject::Post(*number)));
        }
        if post.reaction_count > 0 {
            let reactions = tx.prefix::<Reaction, _>(number, HISTORY_REACTIONS_MAX);
            let theirs = |reaction: &Reaction| reaction.delete_at == 0 && reaction.origin != peer;
            for ((_, user, emoji), _) in reactions.into_iter().filter(|(_, row)| theirs(row)) {
                objects.push((FeedSeq(0), FeedObject::Reaction(*number, user, emoji)));
            }
        }
        let rows = tx.prefix::<Acknowledgement, _>(number, HISTORY_ACKNOWLEDGEMENTS_MAX);
        let theirs = |row: &Acknowledgement| row.acknowledged_at != 0 && row.origin != peer;
        for ((_, user), _) in rows.into_iter().filter(|(_, row)| theirs(row)) {
            objects.push((FeedSeq(0), FeedObject::Acknowledgement(*number, user)));
        }
    }
    objects.retain(|(_, object)| object.is_known_to(connection.kind));
    (to, objects)
}

/// Memberships of a channel, whether or not they changed since the link began.
fn members(
    tx: &mut Tx<'_>,
    no: ConnectionNo,
    connection: Connection,
    channel: ChannelNo,
) -> Picked {
    let Some(mut link) = sendable(tx, no, Pending::MEMBERS, channel) else {
        return Picked::Again;
    };
    let is_wished = FeedObject::Membership(UserNo(0)).is_known_to(connection.kind)
        && memberships::are_shared(tx);
    let Some(after) = link.members.filter(|_| is_wished) else {
        unmark(tx, no, Pending::MEMBERS, channel);
        return Picked::Again;
    };
    let rows_max = limit(tx, &connection, &link);
    let users = memberships::users_after(tx, channel, after, rows_max);
    let Some(to) = users.last().copied() else {
        link.members = None;
        tx.put(&(channel, no), &link);
        unmark(tx, no, Pending::MEMBERS, channel);
        return Picked::Again;
    };
    let objects = users
        .into_iter()
        .map(|user| (FeedSeq(0), FeedObject::Membership(user)))
        .collect();
    let target = Target::Channel(channel, link);
    start(no, connection, target, RoundSource::Members { to }, objects)
}

/// People who are offered to the peer, whether or not they share a channel with it.
fn people_offered(tx: &mut Tx<'_>, no: ConnectionNo, connection: Connection) -> Picked {
    let is_wished = connection.kind != PeerKind::Mattermost2021 && directory::is_offered(tx);
    let at = directory::position(tx, no);
    let max = connected_workspaces(tx).users_per_sync_max as usize;
    let (users, after) = if is_wished {
        directory::next(tx, no, at, max)
    } else {
        (Vec::new(), at)
    };
    if users.is_empty() {
        if after == at {
            unmark(tx, no, Pending::DIRECTORY, directory::NO_CHANNEL);
        } else {
            tx.put(&no, &after);
        }
        return Picked::Again;
    }
    let source = RoundSource::Directory {
        users_to: after.users_to,
        seq: after.seq,
        epoch: after.epoch,
    };
    let users = users.into_iter();
    let objects = users.map(|(seq, user)| (seq, FeedObject::User(user)));
    start(no, connection, Target::Workspace, source, objects.collect())
}

fn exceptions(
    tx: &mut Tx<'_>,
    no: ConnectionNo,
    connection: Connection,
    times: &[((ConnectionNo, i64), ChannelNo, u64, String)],
) -> Picked {
    let Some(channel) = times.first().map(|time| time.1) else {
        return Picked::Nothing;
    };
    let link = tx.get::<Link>(&(channel, no));
    if let Some(link) = link.as_ref().filter(|it| it.state == LinkState::Inviting) {
        return invite_again(tx, no, (channel, link.epoch), times);
    }
    let link = link.filter(|link| link.state == LinkState::Active);
    let most = objects_max(tx, connection.kind) as usize;
    let mut objects: Vec<Object> = Vec::new();
    let now_ms = tx.now_ms();
    for time in times
        .iter()
        .filter(|time| time.1 == channel && time.0.1 <= now_ms)
    {
        let row = exception::at(tx, time);
        let is_live = |row: &Exception| link.as_ref().is_some_and(|it| it.epoch == row.epoch);
        let row = match row {
            Some(row) if is_live(&row) => row,
            stale => {
                exception::discard(tx, time);
                // The job that looks for them when a channel ends may not have come to it.
                if let Some(row) = stale {
                    profiles::try_elsewhere(tx, &row);
                }
                continue;
            }
        };
        let is_alone = matches!(row.state, ExceptionState::Refused(n) if n >= ITEM_ALONE_AFTER);
        if objects.is_empty() || !is_alone {
            objects.push((row.seq, row.object));
        }
        if is_alone || objects.len() >= most {
            break;
        }
    }
    let (Some(link), false) = (link, objects.is_empty()) else {
        return Picked::Again;
    };
    // Roots have lower numbers than their replies, and posts are sorted before reactions.
    objects.sort_by(|a, b| a.1.cmp(&b.1));
    let target = Target::Channel(channel, link);
    start(no, connection, target, RoundSource::Exceptions, objects)
}

/// A channel that is offered has exceptions of people whom the policies held back from its invitation, which goes now;
/// others are of an earlier sharing.
fn invite_again(
    tx: &mut Tx<'_>,
    no: ConnectionNo,
    (channel, epoch): (ChannelNo, u32),
    times: &[((ConnectionNo, i64), ChannelNo, u64, String)],
) -> Picked {
    let now_ms = tx.now_ms();
    let due = times.iter();
    for time in due.filter(|time| time.1 == channel && time.0.1 <= now_ms) {
        let row = exception::at(tx, time);
        if row.is_some_and(|row| row.epoch == epoch) {
            mark(tx, no, Pending::INVITE, channel);
        }
        exception::discard(tx, time);
    }
    Picked::Again
}

/// Changed profiles, in one channel in which the peer holds them. A profile that the peer does not hold is
/// sent with the first post of its user instead.
fn people(tx: &mut Tx<'_>, no: ConnectionNo, mut connection: Connection) -> Picked {
    let found = entries_after(
        tx,
        Scope::PEOPLE,
        connection.people_cursor,
        PEOPLE_PER_STEP_MAX,
    );
    let mut to = connection.people_cursor;
    let mut chosen: Option<(ChannelNo, Link)> = None;
    let mut objects: Vec<Object> = Vec::new();
    let mut changed: Vec<UserNo> = Vec::new();
    for (seq, entry) in found {
        let FeedObject::User(user) = entry.object else {
            continue;
        };
        let held = if entry.origin == connection.workspace {
            Vec::new()
        } else {
            held_in(tx, no, user).collect()
        };
        if let Some((channel, link, _)) = held.iter().find(|(_, _, sent)| is_version(tx, sent)) {
            pictures::offer(tx, (no, user), (*channel, link.epoch));
        }
        let places = outdated_places(tx, user, held);
        if !places.is_empty() {
            let chosen_channel = chosen.as_ref().map(|(channel, _)| *channel);
            match chosen_channel {
                None => chosen = places.into_iter().next(),
                Some(channel) if places.iter().any(|(place, _)| *place == channel) => {}
                Some(_) => break,
            }
            objects.push((seq, FeedObject::User(user)));
        }
        changed.push(user);
        to = seq;
        if objects.len() == USERS_PER_SYNC_MAX {
            break;
        }
    }
    profiles::changed(tx, no, changed);
    if let Some((channel, link)) = chosen {
        let target = Target::Channel(channel, link);
        return start(no, connection, target, RoundSource::People { to }, objects);
    }
    if to == connection.people_cursor {
        unmark(tx, no, Pending::PEOPLE, ChannelNo(0));
    } else {
        connection.people_cursor = to;
        tx.put(&no, &connection);
    }
    Picked::Again
}

/// The places in which the peer holds a profile; empty if it holds the current version in one of them.
fn outdated_places(
    tx: &Tx<'_>,
    user_no: UserNo,
    held: Vec<(ChannelNo, Link, SentUser)>,
) -> Vec<(ChannelNo, Link)> {
    let version = tx.get::<User>(&user_no).as_ref().map(version);
    let is_current = |sent: &SentUser| version.is_none_or(|version| sent.update_at >= version);
    if held.iter().any(|(_, _, sent)| is_current(sent)) {
        return Vec::new();
    }
    let places = held.into_iter();
    places.map(|(channel, link, _)| (channel, link)).collect()
}

/// Active channels of a connection in which the peer holds a profile, with the version that it holds.
pub(super) fn held_in<'a>(
    tx: &'a Tx<'_>,
    no: ConnectionNo,
    user: UserNo,
) -> impl Iterator<Item = (ChannelNo, Link, SentUser)> + 'a {
    let sent = tx.prefix::<SentUser, _>(&(no, user), CHANNELS_PER_USER_MAX);
    sent.into_iter().filter_map(move |((_, _, channel), sent)| {
        let link = tx.get::<Link>(&(channel, no))?;
        let is_valid = link.state == LinkState::Active && sent.epoch == link.epoch;
        is_valid.then_some((channel, link, sent))
    })
}

/// New statuses of users whose profiles the peer holds, and who are still members of a channel shared with it.
/// A status that the peer cannot accept yet is sent after the user's profile.
fn statuses(tx: &mut Tx<'_>, no: ConnectionNo, connection: Connection) -> Picked {
    let cursor = tx
        .get::<StatusCursor>(&no)
        .map_or(FeedSeq(0), |cursor| cursor.0);
    let found = if connected_workspaces(tx).statuses {
        entries_after(tx, Scope::STATUSES, cursor, STATUSES_PER_SYNC_MAX)
    } else {
        Vec::new()
    };
    let Some((to, _)) = found.last().cloned() else {
        unmark(tx, no, Pending::STATUSES, ChannelNo(0));
        return Picked::Again;
    };
    let mut chosen: Option<(ChannelNo, Link)> = None;
    let mut objects: Vec<Object> = Vec::new();
    for (seq, entry) in found {
        let is_for_it =
            entry.origin != connection.workspace && entry.object.is_known_to(connection.kind);
        let FeedObject::Status(user) = entry.object else {
            continue;
        };
        let place = if is_for_it {
            held_in(tx, no, user).find(|(channel, _, sent)| {
                is_version(tx, sent) && is_channel_member(tx, *channel, user)
            })
        } else {
            None
        };
        if let Some((channel, link, _)) = place {
            chosen.get_or_insert((channel, link));
            objects.push((seq, FeedObject::Status(user)));
        }
    }
    let Some((channel, link)) = chosen else {
        tx.put(&no, &StatusCursor(to));
        return Picked::Again;
    };
    let target = Target::Channel(channel, link);
    start(
        no,
        connection,
        target,
        RoundSource::Statuses { to },
        objects,
    )
}
