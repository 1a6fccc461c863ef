//! Pictures of people. A peer that holds a profile gets its picture afterwards, in a request of its own (protocol
//! §5.7), beside the round and the file in flight; and again whenever it changes.
//!
//! What a peer holds of a picture is recorded apart from what it holds of the profile, so a picture whose request
//! fails is not lost (W7), and one that is taken does not stand for a profile that was not (W6).

use super::pick::held_in;
use crate::boundary::env::{Range, Rows};
use crate::boundary::input::{Receipt, SendOutcome};
use crate::boundary::output::{Effect, SendPicture};
use crate::model::limits::{
    CONNECTIONS_MAX, FILE_ATTEMPTS_MAX, FILE_RETRY_FIRST_MS, FILE_RETRY_MAX_MS, PASSES_PER_PUMP_MAX,
};
use crate::model::{
    Connection, Link, LinkState, Picture, PictureDebt, PictureTime, PictureTransfer, SentPicture,
    User,
};
use crate::rows::due;
use crate::rows::id::{ChannelNo, ConnectionNo, UserNo};
use crate::rows::key;
use crate::rows::retry::scattered_pause_up_to;
use crate::rows::tx::{Read, SCAN_BYTES_MAX, Tx};
use crate::sharing::connection;
use crate::wire::response::{self, Answer};

type Key = (ConnectionNo, UserNo);

/// A peer holds a user's profile in a channel, in an epoch of its link: it is to get the picture, unless it holds
/// that as well.
pub fn offer(tx: &mut Tx<'_>, key: Key, (channel, epoch): (ChannelNo, u32)) {
    let Some(user) = tx.user(key.1).filter(|user| user.last_picture_update != 0) else {
        return;
    };
    let version = user.last_picture_update;
    let sent = tx.get::<SentPicture>(&key);
    if let Some(sent) = sent.filter(|sent| sent.version >= version) {
        let is_its = (sent.channel, sent.epoch) == (channel, epoch);
        if is_its || is_live(tx, key.0, (sent.channel, sent.epoch)) {
            return;
        }
    }
    let debt = tx.get::<PictureDebt>(&key).unwrap_or_default();
    if debt.version < version || debt.retry_at == 0 {
        let retry_at = tx.now_ms();
        put(
            tx,
            key,
            &PictureDebt {
                version,
                failures: 0,
                refusals: 0,
                retry_at,
            },
        );
    }
}

fn is_live(tx: &Tx<'_>, no: ConnectionNo, (channel, epoch): (ChannelNo, u32)) -> bool {
    let link = tx.get::<Link>(&(channel, no));
    link.is_some_and(|link| link.state == LinkState::Active && link.epoch == epoch)
}

/// Stores a debt, and when it is due.
fn put(tx: &mut Tx<'_>, key: Key, row: &PictureDebt) {
    drop_time(tx, key);
    if row.retry_at != 0 {
        tx.put(&(key.0, row.retry_at, key.1), &PictureTime);
    }
    tx.put(&key, row);
}

fn drop_time(tx: &mut Tx<'_>, key: Key) {
    if let Some(row) = tx.get::<PictureDebt>(&key).filter(|row| row.retry_at != 0) {
        tx.delete::<PictureTime>(&(key.0, row.retry_at, key.1));
    }
}

/// The peer has the picture, or is not to get it any more.
fn settle(tx: &mut Tx<'_>, key: Key) {
    drop_time(tx, key);
    tx.delete::<PictureDebt>(&key);
}

/// Sends the next picture of a connection that has none in flight.
pub fn pump(tx: &mut Tx<'_>, no: ConnectionNo) {
    if tx.has::<PictureTransfer>(&no) {
        return;
    }
    for _ in 0..PASSES_PER_PUMP_MAX {
        let Some((at_ms, user)) = first(tx, no) else {
            return;
        };
        let connection = tx.get::<Connection>(&no);
        let Some(connection) = connection.filter(|it| connection::may_send(it, tx.now_ms())) else {
            return;
        };
        if at_ms > tx.now_ms() {
            return due::send_at(tx, at_ms, no);
        }
        if send(tx, (no, user), connection) {
            return;
        }
        settle(tx, (no, user));
    }
    due::send_at(tx, tx.now_ms(), no);
}

fn first(tx: &Tx<'_>, no: ConnectionNo) -> Option<(i64, UserNo)> {
    let range = Range {
        from: key::encode(&no),
        to: key::prefix_end(&key::encode(&no)).unwrap_or_default(),
        reverse: false,
        rows_max: 1,
        bytes_max: SCAN_BYTES_MAX,
    };
    let rows = tx.rows::<PictureTime>(&range);
    rows.first().map(|((_, at_ms, user), _)| (*at_ms, *user))
}

/// Sends a picture, and records the attempt before its first byte leaves; false if the peer is not to get it any
/// more.
fn send(tx: &mut Tx<'_>, key: Key, mut connection: Connection) -> bool {
    let (no, user_no) = key;
    let picture = tx.get::<Picture>(&user_no);
    let Some((user, picture)) = tx.get::<User>(&user_no).zip(picture) else {
        return false;
    };
    let Some((channel, link, _)) = held_in(tx, no, user_no).next() else {
        return false;
    };
    connection.attempt += 1;
    let attempt = connection.attempt;
    tx.put(&no, &connection);
    let sent = SentPicture {
        version: user.last_picture_update,
        channel,
        epoch: link.epoch,
    };
    tx.put(
        &no,
        &PictureTransfer {
            attempt,
            user: user_no,
            sent,
        },
    );
    tx.effect(Effect::SendPicture(SendPicture {
        connection: no,
        attempt,
        user: user.id,
        digest: picture.digest,
        size: picture.size,
    }));
    true
}

/// Called when the service starts: the outcome of what was in flight is unknown, so it is sent again.
pub fn resume(tx: &mut Tx<'_>) {
    for (no, _) in tx.prefix::<PictureTransfer, ()>(&(), CONNECTIONS_MAX) {
        tx.delete::<PictureTransfer>(&no);
        due::send_at(tx, tx.now_ms(), no);
    }
}

/// The outcome of sending a picture.
pub fn receipt(tx: &mut Tx<'_>, receipt: &Receipt) {
    let no = receipt.connection;
    let transfer = tx.get::<PictureTransfer>(&no);
    let Some(transfer) = transfer.filter(|it| it.attempt == receipt.attempt) else {
        return;
    };
    tx.delete::<PictureTransfer>(&no);
    tx.touched.insert(no);
    let key = (no, transfer.user);
    match &receipt.outcome {
        SendOutcome::Answered(bytes) if is_taken(bytes) => taken(tx, key, transfer.sent),
        // The peer does not know us now, or has no time.
        SendOutcome::Refused(401 | 403 | 408 | 429) => failed(tx, key, transfer.sent, false),
        SendOutcome::Refused(400..=499 | 501) => failed(tx, key, transfer.sent, true),
        SendOutcome::Answered(_) | SendOutcome::Refused(_) | SendOutcome::Unknown => {
            failed(tx, key, transfer.sent, false);
        }
        SendOutcome::NeverLeft => not_reached(tx, no),
    }
}

fn is_taken(bytes: &[u8]) -> bool {
    matches!(response::decode(bytes), Ok(Answer::Ok(_)))
}

fn taken(tx: &mut Tx<'_>, key: Key, sent: SentPicture) {
    tx.put(&key, &sent);
    // It may have changed while it was in flight.
    let debt = tx.get::<PictureDebt>(&key);
    if debt.is_none_or(|debt| debt.version <= sent.version) {
        settle(tx, key);
    }
}

/// The peer was not reached: like its messages, its pictures pause for as long as the connection does.
fn not_reached(tx: &mut Tx<'_>, no: ConnectionNo) {
    if let Some(mut row) = tx.get::<Connection>(&no) {
        connection::failed(tx, no, &mut row);
        tx.put(&no, &row);
    }
}

/// The attempt failed: another one follows, unless the peer refuses the picture again and again.
fn failed(tx: &mut Tx<'_>, key: Key, sent: SentPicture, is_refused: bool) {
    let debt = tx.get::<PictureDebt>(&key);
    let Some(mut debt) = debt.filter(|debt| debt.version <= sent.version) else {
        return;
    };
    debt.failures = debt.failures.saturating_add(1);
    debt.refusals = debt.refusals.saturating_add(u32::from(is_refused));
    let limits_ms = (FILE_RETRY_FIRST_MS, FILE_RETRY_MAX_MS);
    let pause_ms = scattered_pause_up_to(tx, limits_ms, debt.failures);
    debt.retry_at = if debt.refusals >= FILE_ATTEMPTS_MAX {
        0
    } else {
        tx.now_ms().saturating_add(pause_ms)
    };
    put(tx, key, &debt);
}
