//! Due rows: work scheduled for a time. The host only keeps a clock; due work is stored here.

use crate::boundary::env::Range;
use crate::boundary::output::Effect;
use crate::model::limits::DUE_PUT_OFF_MS;
use crate::model::{Due, DueKind};
use crate::rows::id::{ChannelNo, ConnectionNo};
use crate::rows::key;
use crate::rows::tx::{Read, SCAN_BYTES_MAX, Tx};

/// Numbers of the due rows of connections' next sends: at most one row for each connection and time.
const SEND_NUMBERS: u64 = 1 << 63;

/// Rows that are read to cancel a kind; later rows come due normally, and find nothing to do.
const DUE_SCAN_MAX: u32 = 1_000;

/// Schedules work for a time, in ms.
pub fn at(tx: &mut Tx<'_>, at_ms: i64, kind: DueKind) {
    let number = tx.next_row();
    tx.put(&(at_ms, number), &Due { kind });
    tx.effect(Effect::Wake { at_ms });
}

/// Schedules a connection's send for a time in ms.
pub fn send_at(tx: &mut Tx<'_>, at_ms: i64, connection: ConnectionNo) {
    let key = (at_ms, SEND_NUMBERS | connection.0);
    if !tx.has::<Due>(&key) {
        tx.put(
            &key,
            &Due {
                kind: DueKind::Send(connection),
            },
        );
        tx.effect(Effect::Wake { at_ms });
    }
}

/// Schedules sending a channel to a connection again, for a time in ms.
pub fn link_at(tx: &mut Tx<'_>, at_ms: i64, connection: ConnectionNo, channel: ChannelNo) {
    at(tx, at_ms, DueKind::Link(connection, channel));
}

/// Deletes the rows of a kind that are among the next `DUE_SCAN_MAX`.
pub fn cancel(tx: &mut Tx<'_>, kind: DueKind) {
    for (key, row) in rows_before(tx, Vec::new(), DUE_SCAN_MAX) {
        if row.kind == kind {
            tx.delete::<Due>(&key);
        }
    }
}

/// Takes due rows, at most `rows_max`, earliest first.
pub fn take(tx: &mut Tx<'_>, rows_max: u32) -> Vec<DueKind> {
    let end = tx.now_ms().saturating_add(1);
    let rows = rows_before(tx, key::encode(&end), rows_max);
    for (key, _) in &rows {
        tx.delete::<Due>(key);
    }
    rows.into_iter().map(|(_, row)| row.kind).collect()
}

/// Puts off the earliest due row, which stops its step when carried out.
pub fn put_off(tx: &mut Tx<'_>) {
    let at_ms = tx.now_ms().saturating_add(DUE_PUT_OFF_MS);
    for kind in take(tx, 1) {
        match kind {
            DueKind::Send(connection) => send_at(tx, at_ms, connection),
            DueKind::Link(..)
            | DueKind::Held(_)
            | DueKind::Job(_)
            | DueKind::Requests
            | DueKind::Interruption(_)
            | DueKind::UnpostedFiles => {
                at(tx, at_ms, kind);
            }
        }
    }
    wake(tx);
}

/// Asks the host to wake the workspace for the first row.
pub fn wake(tx: &mut Tx<'_>) {
    if let Some(((at_ms, _), _)) = rows_before(tx, Vec::new(), 1).first() {
        tx.effect(Effect::Wake { at_ms: *at_ms });
    }
}

fn rows_before(tx: &Tx<'_>, to: Vec<u8>, rows_max: u32) -> Vec<((i64, u64), Due)> {
    tx.rows::<Due>(&Range {
        from: Vec::new(),
        to,
        reverse: false,
        rows_max,
        bytes_max: SCAN_BYTES_MAX,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::env::StepContext;
    use crate::rows::testing::MemoryHost;

    fn step_at(host: &mut MemoryHost, now_ms: i64, act: impl FnOnce(&mut Tx<'_>)) -> Vec<Effect> {
        let mut tx = Tx::new(
            host,
            StepContext {
                now_ms,
                seed: [7; 16],
            },
        );
        act(&mut tx);
        let (writes, effects) = tx.finish();
        host.apply(&writes);
        effects
    }

    #[test]
    fn rows_are_taken_when_their_time_has_come_and_only_once() {
        let mut host = MemoryHost::new();
        let one = DueKind::Send(ConnectionNo(1));
        let two = DueKind::Job(9);
        step_at(&mut host, 10, |tx| {
            at(tx, 20, two);
            send_at(tx, 15, ConnectionNo(1));
            send_at(tx, 15, ConnectionNo(1));
        });
        step_at(&mut host, 14, |tx| assert!(take(tx, 9).is_empty()));
        let effects = step_at(&mut host, 20, |tx| {
            assert_eq!(take(tx, 1), [one]);
            wake(tx);
        });
        assert_eq!(effects, [Effect::Wake { at_ms: 20 }]);
        let effects = step_at(&mut host, 20, |tx| {
            assert_eq!(take(tx, 9), [two]);
            wake(tx);
        });
        assert_eq!(effects, []);
    }
}
