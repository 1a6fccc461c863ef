//! Jobs: work over more rows than a step may touch. Each step does a portion; a due row triggers the next.
//! The module that owns the work does the portions; [`step`](crate::step) dispatches them.

use crate::boundary::env::Range;
use crate::model::limits::{CONNECTIONS_MAX, JOB_ROWS_PER_STEP};
use crate::model::{Connection, DueKind, Job};
use crate::rows::due;
use crate::rows::id::ConnectionNo;
use crate::rows::key;
use crate::rows::tx::{Read, SCAN_BYTES_MAX, Tx};

/// Starts a job; its first portion is carried out in a step of its own.
pub fn start(tx: &mut Tx<'_>, job: Job) {
    let number = tx.next_row();
    again(tx, number, &job);
}

/// Starts a job at a time, in ms; returns its number.
pub fn start_at(tx: &mut Tx<'_>, at_ms: i64, job: &Job) -> u64 {
    let number = tx.next_row();
    tx.put(&number, job);
    due::at(tx, at_ms, DueKind::Job(number));
    number
}

/// Stores a job and schedules its next portion at once.
pub fn again(tx: &mut Tx<'_>, number: u64, job: &Job) {
    tx.put(&number, job);
    due::at(tx, tx.now_ms(), DueKind::Job(number));
}

/// The keys of a prefix from a given key, limited to one portion.
pub fn range(from: Vec<u8>, prefix: &[u8]) -> Range {
    Range {
        from,
        to: key::prefix_end(prefix).unwrap_or_default(),
        reverse: false,
        rows_max: JOB_ROWS_PER_STEP,
        bytes_max: SCAN_BYTES_MAX,
    }
}

/// The next live connection after a number.
pub fn next_connection(tx: &Tx<'_>, after: ConnectionNo) -> Option<ConnectionNo> {
    let rows = tx.rows::<Connection>(&Range {
        from: key::encode(&ConnectionNo(after.0.saturating_add(1))),
        to: Vec::new(),
        reverse: false,
        rows_max: CONNECTIONS_MAX,
        bytes_max: SCAN_BYTES_MAX,
    });
    rows.into_iter()
        .find(|(_, row)| row.delete_at == 0)
        .map(|(no, _)| no)
}
