//! Rows in memory only: for session replays and tests.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::convert::Infallible;

use causeway_kernel::boundary::env::{Range, Rows, Scan};
use causeway_kernel::boundary::output::Write;
use causeway_kernel::rows::key::{self, RowKey};
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Record;

use super::range::{bounds, limited};
use crate::journal::Digest;

type Content = BTreeMap<Vec<u8>, Vec<u8>>;

/// Bytes of rows hashed at once.
const PIECE_BYTES: usize = 64 << 10;

/// Rows in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryRows(BTreeMap<Table, Content>);

impl MemoryRows {
    /// Puts and deletes rows.
    pub fn apply(&mut self, writes: &[Write]) {
        for Write { table, key, value } in writes {
            self.put(*table, key, value.as_deref());
        }
    }

    /// Puts or deletes a row.
    pub fn put(&mut self, table: Table, key: &[u8], value: Option<&[u8]>) {
        let rows = self.0.entry(table).or_default();
        match value {
            Some(value) => match rows.entry(key.to_vec()) {
                Entry::Occupied(row) => {
                    let row = row.into_mut();
                    row.clear();
                    row.extend_from_slice(value);
                }
                Entry::Vacant(place) => {
                    place.insert(value.to_vec());
                }
            },
            None => {
                rows.remove(key);
            }
        }
    }

    /// A row.
    #[must_use]
    pub fn value(&self, table: Table, key: &[u8]) -> Option<&[u8]> {
        self.0.get(&table)?.get(key).map(Vec::as_slice)
    }

    /// The rows of a range, in the order of its direction, without its limits.
    pub fn range<'r>(
        &'r self,
        table: Table,
        range: &Range,
    ) -> Box<dyn Iterator<Item = (&'r [u8], &'r [u8])> + 'r> {
        let (Some(rows), Some(bounds)) = (self.0.get(&table), bounds(range)) else {
            return Box::new(std::iter::empty());
        };
        let rows = rows
            .range::<[u8], _>(bounds)
            .map(|(key, value)| (key.as_slice(), value.as_slice()));
        if range.reverse {
            Box::new(rows.rev())
        } else {
            Box::new(rows)
        }
    }

    /// Every row of a kind, in ascending order of keys; rows that cannot be decoded are skipped.
    pub fn records<R: Record>(&self) -> impl Iterator<Item = (R::Key, R)> {
        let rows = self.0.get(&R::TABLE).into_iter().flatten();
        rows.filter_map(|(key, value)| Some((key::decode::<R::Key>(key)?, R::from_bytes(value)?)))
    }

    /// Every row, in ascending order of table and key.
    pub fn all(&self) -> impl Iterator<Item = (Table, &[u8], &[u8])> {
        self.0.iter().flat_map(|(table, rows)| {
            rows.iter()
                .map(|(key, value)| (*table, key.as_slice(), value.as_slice()))
        })
    }

    /// How many rows a table has.
    #[must_use]
    pub fn count(&self, table: Table) -> usize {
        self.0.get(&table).map_or(0, BTreeMap::len)
    }

    /// Digest of every row.
    #[must_use]
    pub fn digest(&self) -> Digest {
        rows_digest(self.all())
    }
}

/// Digest of rows, which must come in ascending order of table and key.
pub fn rows_digest<'r>(rows: impl Iterator<Item = (Table, &'r [u8], &'r [u8])>) -> Digest {
    let mut hasher = RowsHasher::default();
    for (table, key, value) in rows {
        hasher.add(table, key, value);
    }
    hasher.finish()
}

/// Computes [`rows_digest`] row by row.
#[derive(Default)]
pub(super) struct RowsHasher {
    hasher: blake3::Hasher,
    /// Long pieces are hashed several times faster than short ones.
    piece: Vec<u8>,
}

impl RowsHasher {
    /// Adds a row; rows must come in ascending order of table and key.
    pub(super) fn add(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.piece.push(table.code());
        for bytes in [key, value] {
            let length = bytes.len() as u64;
            self.piece.extend_from_slice(&length.to_le_bytes());
            self.piece.extend_from_slice(bytes);
        }
        if self.piece.len() >= PIECE_BYTES {
            self.hasher.update(&self.piece);
            self.piece.clear();
        }
    }

    /// The digest of the rows so far.
    pub(super) fn finish(mut self) -> Digest {
        self.hasher.update(&self.piece);
        Digest(*self.hasher.finalize().as_bytes())
    }
}

impl Rows for MemoryRows {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        let rows = self.0.get(&table);
        keys.iter().map(|key| rows?.get(key).cloned()).collect()
    }

    fn look(&self, table: Table, key: RowKey, see: &mut dyn FnMut(Option<&[u8]>)) {
        see(self.value(table, key.as_bytes()));
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        let rows = self.range(table, range);
        let rows = rows.map(|(key, value)| Ok((key.to_vec(), value.to_vec())));
        let Ok(scan) = limited::<Infallible>(rows, range);
        scan
    }
}
