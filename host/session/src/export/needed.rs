//! The rows that a session of a part has to bring along: those that its steps read, as they stand
//! then. What was read as missing has to be missing, and a range has to hold nothing else.

use std::collections::BTreeMap;

use causeway_kernel::boundary::env::{Range, Scan};
use causeway_kernel::boundary::output::Write;
use causeway_kernel::rows::table::Table;

use super::host::ReadRows;
use causeway_engine::MemoryRows;

/// Changes that make `known`, the rows of the session so far, equal to `rows` wherever a step has
/// read.
pub fn missing(known: &MemoryRows, rows: &MemoryRows, reads: &[ReadRows]) -> Vec<Write> {
    let mut changes = BTreeMap::new();
    for read in reads {
        match read {
            ReadRows::Keys(table, keys) => {
                for key in keys {
                    note(&mut changes, known, rows, *table, key);
                }
            }
            ReadRows::Range(table, range, scan) => {
                let covered = covered(rows, *table, range, scan);
                let all = rows
                    .range(*table, &covered)
                    .chain(known.range(*table, &covered));
                for (key, _) in all {
                    note(&mut changes, known, rows, *table, key);
                }
            }
        }
    }
    let writes = changes.into_iter();
    let writes = writes.map(|((table, key), value)| Write { table, key, value });
    writes.collect()
}

type Changes = BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>;

fn note(changes: &mut Changes, known: &MemoryRows, rows: &MemoryRows, table: Table, key: &[u8]) {
    let value = rows.value(table, key);
    if known.value(table, key) != value {
        changes.insert((table, key.to_vec()), value.map(<[u8]>::to_vec));
    }
}

/// The part of a range that a scan has seen: all of it, or as far as one row beyond the last one
/// that came, which is why it knew of more.
fn covered(rows: &MemoryRows, table: Table, range: &Range, scan: &Scan) -> Range {
    if !scan.more {
        return range.clone();
    }
    let mut seen = rows.range(table, range).skip(scan.rows.len());
    let Some((next, _)) = seen.next() else {
        return range.clone();
    };
    let mut covered = range.clone();
    if range.reverse {
        covered.from = next.to_vec();
    } else {
        covered.to = [next, &[0]].concat();
    }
    covered
}
