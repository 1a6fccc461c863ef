//! The people of this workspace, offered to every peer so that they are found there before they share a
//! channel. Semantics §10, without its losses: positions are our own numbers, so people who share a
//! millisecond are not skipped, a change is offered when it happens, and what a peer did not take is offered
//! again.

use std::cell::LazyCell;

use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::{Range, Rows};
use crate::model::limits::{
    OFFER_DOUBLED_MAX, OFFER_INCOMPLETE_MS, OFFER_REFUSED_MS, OFFERED_LOOKED_AT_MAX,
    PEOPLE_PER_STEP_MAX,
};
use crate::model::{
    Connection, FeedObject, Job, Offer, PeerKind, Pending, RoundSource, Scope, SentUser, User,
};
use crate::outbound::set_back;
use crate::rows::counters::{connected_workspaces, counters};
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq, UserNo};
use crate::rows::tx::{Read, SCAN_BYTES_MAX, Tx};
use crate::rows::{jobs, key};
use crate::sharing::{connection, feed};

/// The channel in the keys of what was sent without one.
pub const NO_CHANNEL: ChannelNo = ChannelNo(0);

/// Whether everybody is offered to every peer.
pub fn is_offered(rows: &(impl Read + ?Sized)) -> bool {
    Behaviour::Directory.is_in_force(rows) && connected_workspaces(rows).all_users
}

/// Whether people that a peer offers are taken in.
pub fn is_taken(rows: &(impl Read + ?Sized)) -> bool {
    let settings = connected_workspaces(rows);
    Behaviour::Directory.is_in_force(rows) && (settings.all_users || settings.users_on_open)
}

/// Called when a local user is new or changed, and when people are offered from now on.
pub fn changed(tx: &mut Tx<'_>) {
    if !is_offered(tx) {
        return;
    }
    for peer in feed::peers(tx).iter() {
        offer(tx, peer.connection);
    }
}

/// Continues to offer people to a peer.
pub fn offer(tx: &mut Tx<'_>, connection: ConnectionNo) {
    if is_offered(tx) {
        feed::mark(tx, connection, Pending::DIRECTORY, NO_CHANNEL);
    }
}

/// A connection's position; a new one begins before the first user.
pub fn position(tx: &Tx<'_>, connection: ConnectionNo) -> Offer {
    tx.get::<Offer>(&connection).unwrap_or_else(|| Offer {
        users_to: UserNo(0),
        seq: FeedSeq(counters(tx).feed),
        epoch: 0,
        incomplete: 0,
        retry_at: 0,
    })
}

/// Called when a peer may have lost what it was sent.
pub fn start_over(tx: &mut Tx<'_>, connection: ConnectionNo) {
    if let Some(row) = tx.get::<Offer>(&connection) {
        let row = Offer {
            users_to: UserNo(0),
            epoch: row.epoch.wrapping_add(1),
            incomplete: 0,
            ..row
        };
        tx.put(&connection, &row);
    }
    offer(tx, connection);
}

/// The peer offers people, so it takes some in as well: those whom it did not take before are offered now.
pub fn heard(tx: &mut Tx<'_>, connection: ConnectionNo) {
    if tx
        .get::<Offer>(&connection)
        .is_some_and(|row| row.retry_at > tx.now_ms())
    {
        offer(tx, connection);
    }
}

/// The peer takes nobody in at the moment.
pub fn put_off(tx: &mut Tx<'_>, connection: ConnectionNo) {
    feed::unmark(tx, connection, Pending::DIRECTORY, NO_CHANNEL);
    let row = position(tx, connection);
    again_after(tx, connection, row, OFFER_REFUSED_MS);
}

/// The peer took some users of a message, and not others.
pub fn incomplete(tx: &mut Tx<'_>, connection: ConnectionNo) {
    let mut row = position(tx, connection);
    let pause_ms = OFFER_INCOMPLETE_MS << row.incomplete.min(OFFER_DOUBLED_MAX);
    row.incomplete = row.incomplete.saturating_add(1);
    again_after(tx, connection, row, pause_ms);
}

fn again_after(tx: &mut Tx<'_>, connection: ConnectionNo, mut row: Offer, pause_ms: i64) {
    if row.retry_at <= tx.now_ms() {
        row.retry_at = tx.now_ms().saturating_add(pause_ms);
        jobs::start_at(tx, row.retry_at, &Job::OfferAgain { connection });
    }
    tx.put(&connection, &row);
}

/// Carries out [`Job::OfferAgain`]: goes through everybody again; who is held there is skipped.
pub fn offer_again(tx: &mut Tx<'_>, connection: ConnectionNo) {
    if let Some(row) = tx.get::<Offer>(&connection) {
        let users_to = UserNo(0);
        tx.put(&connection, &Offer { users_to, ..row });
        set_back(tx, connection, |round| {
            if let RoundSource::Directory { users_to: end, .. } = &mut round.source {
                *end = users_to;
            }
        });
        offer(tx, connection);
    }
}

/// The users of a round have been offered.
pub fn advance(
    tx: &mut Tx<'_>,
    connection: ConnectionNo,
    (users_to, seq, epoch): (UserNo, FeedSeq, u32),
) {
    let row = position(tx, connection);
    if row.epoch == epoch {
        tx.put(
            &connection,
            &Offer {
                users_to,
                seq,
                ..row
            },
        );
    }
}

/// Users to offer next, at most `max`, and the position after them: users who are not offered yet, then
/// changes of others. Nobody and the same position mean that nothing is left.
pub fn next(
    tx: &Tx<'_>,
    connection: ConnectionNo,
    at: Offer,
    max: usize,
) -> (Vec<(FeedSeq, UserNo)>, Offer) {
    let mut after = at;
    let mut chosen = Vec::new();
    let known_since = LazyCell::new(|| known_since(tx, connection));
    let is_due =
        |no: UserNo, user: &User| is_due(tx, (connection, no), user, at.epoch, &known_since);
    let users = users_after(tx, at.users_to);
    for (no, user) in &users {
        after.users_to = *no;
        if is_due(*no, user) {
            chosen.push((FeedSeq(0), *no));
        }
        if chosen.len() == max {
            break;
        }
    }
    if !users.is_empty() {
        return (chosen, after);
    }
    for (seq, entry) in feed::entries_after(tx, Scope::PEOPLE, at.seq, PEOPLE_PER_STEP_MAX) {
        after.seq = seq;
        let FeedObject::User(no) = entry.object else {
            continue;
        };
        let user = tx.user(no);
        if user.is_some_and(|user| is_due(no, &user)) {
            chosen.push((seq, no));
        }
        if chosen.len() == max {
            break;
        }
    }
    (chosen, after)
}

fn users_after(tx: &Tx<'_>, after: UserNo) -> Vec<(UserNo, User)> {
    tx.rows::<User>(&Range {
        from: key::encode(&UserNo(after.0.saturating_add(1))),
        to: Vec::new(),
        reverse: false,
        rows_max: OFFERED_LOOKED_AT_MAX,
        bytes_max: SCAN_BYTES_MAX,
    })
}

/// Whether a user is offered to a peer that does not hold this version: only users of this workspace are, and
/// those who are not active only if the peer knows them, or may have known them since `known_since`.
fn is_due(
    tx: &Tx<'_>,
    (connection, no): (ConnectionNo, UserNo),
    user: &User,
    epoch: u32,
    known_since: &LazyCell<i64, impl FnOnce() -> i64>,
) -> bool {
    let sent = tx.get::<SentUser>(&(connection, no, NO_CHANNEL));
    let sent = sent.filter(|sent| sent.epoch == epoch);
    let is_due = match sent {
        Some(sent) => sent.update_at < user.update_at,
        None => user.delete_at == 0 || user.delete_at >= **known_since,
    };
    user.origin.is_ours() && is_due
}

/// Since when the peer of a connection may know people of this workspace. What it was sent is not recorded for
/// ever: it may have been lost in a restore here or there, or belong to an earlier connection. A Mattermost ignores
/// that somebody is deactivated, so nobody is told to it for that.
fn known_since(tx: &Tx<'_>, connection: ConnectionNo) -> i64 {
    let row = tx.get::<Connection>(&connection);
    let row = row.filter(|row| row.kind == PeerKind::Causeway);
    let Some(row) = row.filter(|_| Behaviour::DeactivatedOffered.is_in_force(tx)) else {
        return i64::MAX;
    };
    let all = connection::all(tx).into_iter();
    let same = all.filter(|(_, other)| other.workspace == row.workspace);
    let first = same.map(|(_, other)| other.create_at).min();
    first.unwrap_or(i64::MAX)
}
