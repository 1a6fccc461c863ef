//! The rows that a partial session has to contain: those that its steps read, with their values at
//! that time. Rows read as missing have to be missing, and ranges must not contain other rows.

use std::collections::BTreeMap;

use causeway_kernel::boundary::env::{Range, Rows, Scan};
use causeway_kernel::boundary::output::Write;
use causeway_kernel::rows::table::Table;

use super::host::ReadRows;

/// Maximum rows of a range read at once.
const PORTION_ROWS: u32 = 1_000;
/// Maximum bytes of a range read at once.
const PORTION_BYTES: u32 = 1 << 20;

/// The changes that make `known`, the rows of the session so far, equal to `rows` wherever a step
/// has read.
pub fn missing(known: &dyn Rows, rows: &dyn Rows, reads: &[ReadRows]) -> Vec<Write> {
    let mut changes = BTreeMap::new();
    for read in reads {
        match read {
            ReadRows::Keys(table, keys) => note(&mut changes, known, rows, *table, keys),
            ReadRows::Range(table, range, scan) => {
                let covered = covered(rows, *table, range, scan);
                for of in [rows, known] {
                    for_keys(of, *table, &covered, |keys| {
                        note(&mut changes, known, rows, *table, keys);
                    });
                }
            }
        }
    }
    let writes = changes.into_iter();
    let writes = writes.map(|((table, key), value)| Write { table, key, value });
    writes.collect()
}

type Changes = BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>;

fn note(changes: &mut Changes, known: &dyn Rows, rows: &dyn Rows, table: Table, keys: &[Vec<u8>]) {
    let values = rows.get_many(table, keys);
    let before = known.get_many(table, keys);
    for ((key, value), before) in keys.iter().zip(values).zip(before) {
        if value != before {
            changes.insert((table, key.clone()), value);
        }
    }
}

/// Calls `each` with the keys of a range, in batches.
fn for_keys(rows: &dyn Rows, table: Table, range: &Range, mut each: impl FnMut(&[Vec<u8>])) {
    let mut portion = Range {
        reverse: false,
        rows_max: PORTION_ROWS,
        bytes_max: PORTION_BYTES,
        ..range.clone()
    };
    loop {
        let scan = rows.scan(table, &portion);
        let keys: Vec<Vec<u8>> = scan.rows.into_iter().map(|(key, _)| key).collect();
        each(&keys);
        match keys.into_iter().next_back() {
            Some(mut last) if scan.more => {
                last.push(0);
                portion.from = last;
            }
            _ => return,
        }
    }
}

/// The part of a range that a scan has seen: all of it, or up to the row after the last one
/// returned, through which the scan knew that there was more.
fn covered(rows: &dyn Rows, table: Table, range: &Range, scan: &Scan) -> Range {
    if !scan.more {
        return range.clone();
    }
    let Some((last, _)) = scan.rows.last() else {
        return range.clone();
    };
    let mut beyond = Range {
        rows_max: 1,
        ..range.clone()
    };
    if range.reverse {
        beyond.to.clone_from(last);
    } else {
        beyond.from = [last.as_slice(), &[0]].concat();
    }
    let Some((next, _)) = rows.scan(table, &beyond).rows.into_iter().next() else {
        return range.clone();
    };
    let mut covered = range.clone();
    if range.reverse {
        covered.from = next;
    } else {
        covered.to = [next.as_slice(), &[0]].concat();
    }
    covered
}
