//! What a peer is still to get beside the rounds: files, and profile pictures. Of each kind, one is in flight for
//! each connection, so that a large one keeps no message back; one whose attempt fails is tried again after a
//! pause, until the peer has refused it again and again.

use crate::boundary::env::Range;
use crate::boundary::input::Receipt;
use crate::model::Connection;
use crate::model::limits::{CONNECTIONS_MAX, FILE_ATTEMPTS_MAX, PASSES_PER_PUMP_MAX};
use crate::rows::due;
use crate::rows::id::ConnectionNo;
use crate::rows::key::{self, KeyPart};
use crate::rows::retry::scattered_pause_up_to;
use crate::rows::tx::{Read, Record, SCAN_BYTES_MAX, Tx};
use crate::sharing::connection;

/// A kind of what is owed to peers.
pub trait Owed {
    /// Names one of the kind.
    type What: KeyPart + Copy;
    /// One that a peer is still to get.
    type Debt: Record<Key = (ConnectionNo, Self::What)>;
    /// When one is sent, in ms.
    type Time: Record<Key = (ConnectionNo, i64, Self::What)>;
    /// The one in flight on a connection.
    type InFlight: Record<Key = ConnectionNo>;

    /// The row of a time, which says nothing beside its key.
    const TIME: Self::Time;

    /// When a debt is tried again, in ms; 0 = never as it stands.
    fn retry_at(debt: &Self::Debt) -> i64;

    /// The attempt that is in flight.
    fn attempt(in_flight: &Self::InFlight) -> u64;

    /// Sends one.
    fn send(tx: &mut Tx<'_>, key: (ConnectionNo, Self::What), connection: Connection) -> Sent;
}

/// What became of one whose turn has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is in flight.
    InFlight,
    /// It waits: its debt says until when.
    Waits,
    /// The peer is not to get it any more.
    Dropped,
}

/// Stores a debt, and when it is due.
pub fn put<O: Owed>(tx: &mut Tx<'_>, key: (ConnectionNo, O::What), debt: &O::Debt) {
    drop_time::<O>(tx, key);
    let at_ms = O::retry_at(debt);
    if at_ms != 0 {
        tx.put(&(key.0, at_ms, key.1), &O::TIME);
    }
    tx.put(&key, debt);
}

fn drop_time<O: Owed>(tx: &mut Tx<'_>, key: (ConnectionNo, O::What)) {
    let at_ms = tx.get::<O::Debt>(&key).map_or(0, |debt| O::retry_at(&debt));
    if at_ms != 0 {
        tx.delete::<O::Time>(&(key.0, at_ms, key.1));
    }
}

/// The peer has it, or is not to get it any more.
pub fn settle<O: Owed>(tx: &mut Tx<'_>, key: (ConnectionNo, O::What)) {
    drop_time::<O>(tx, key);
    tx.delete::<O::Debt>(&key);
}

/// Sends the next one of a connection that has none of the kind in flight.
pub fn pump<O: Owed>(tx: &mut Tx<'_>, no: ConnectionNo) {
    if tx.has::<O::InFlight>(&no) {
        return;
    }
    for _ in 0..PASSES_PER_PUMP_MAX {
        let Some((at_ms, what)) = first::<O>(tx, no) else {
            return;
        };
        let connection = tx.get::<Connection>(&no);
        let Some(connection) = connection.filter(|it| connection::may_send(it, tx.now_ms())) else {
            return;
        };
        if at_ms > tx.now_ms() {
            return due::send_at(tx, at_ms, no);
        }
        match O::send(tx, (no, what), connection) {
            Sent::InFlight => return,
            Sent::Waits => {}
            Sent::Dropped => settle::<O>(tx, (no, what)),
        }
    }
    due::send_at(tx, tx.now_ms(), no);
}

fn first<O: Owed>(tx: &Tx<'_>, no: ConnectionNo) -> Option<(i64, O::What)> {
    let range = Range {
        from: key::encode(&no),
        to: key::prefix_end(&key::encode(&no)).unwrap_or_default(),
        reverse: false,
        rows_max: 1,
        bytes_max: SCAN_BYTES_MAX,
    };
    let rows = tx.rows::<O::Time>(&range);
    rows.first().map(|((_, at_ms, what), _)| (*at_ms, *what))
}

/// Records an attempt before its first byte leaves.
pub fn next_attempt(tx: &mut Tx<'_>, no: ConnectionNo, mut connection: Connection) -> u64 {
    connection.attempt += 1;
    tx.put(&no, &connection);
    connection.attempt
}

/// Called when the service starts: the outcome of what was in flight is unknown, so it is sent again.
pub fn resume<O: Owed>(tx: &mut Tx<'_>) {
    for (no, _) in tx.prefix::<O::InFlight, ()>(&(), CONNECTIONS_MAX) {
        tx.delete::<O::InFlight>(&no);
        due::send_at(tx, tx.now_ms(), no);
    }
}

/// What a receipt ends, if it is of this kind.
pub fn ended<O: Owed>(tx: &mut Tx<'_>, receipt: &Receipt) -> Option<O::InFlight> {
    let no = receipt.connection;
    let in_flight = tx.get::<O::InFlight>(&no);
    let in_flight = in_flight.filter(|it| O::attempt(it) == receipt.attempt)?;
    tx.delete::<O::InFlight>(&no);
    tx.touched.insert(no);
    Some(in_flight)
}

/// The peer was not reached: like its messages, what is owed to it pauses for as long as the connection does.
pub fn not_reached(tx: &mut Tx<'_>, no: ConnectionNo) {
    if let Some(mut row) = tx.get::<Connection>(&no) {
        connection::failed(tx, no, &mut row);
        tx.put(&no, &row);
    }
}

/// When one is tried again that failed so many times, in ms; 0 if the peer has refused it again and again.
/// `limits_ms` are those of the first and of the longest pause.
pub fn next_try(tx: &mut Tx<'_>, limits_ms: (i64, i64), failures: u32, refusals: u32) -> i64 {
    let pause_ms = scattered_pause_up_to(tx, limits_ms, failures);
    if refusals >= FILE_ATTEMPTS_MAX {
        0
    } else {
        tx.now_ms().saturating_add(pause_ms)
    }
}
