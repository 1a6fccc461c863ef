//! Rows in memory: an ordered map for each table. For tests, benchmarks and the simulator.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::boundary::env::{Range, Rows, Scan};
use crate::boundary::output::Write;
use crate::rows::key::RowKey;
use crate::rows::table::Table;

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Every row of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables(Vec<Map>);

impl Default for Tables {
    fn default() -> Tables {
        Tables(vec![Map::new(); Table::ALL.len()])
    }
}

impl Tables {
    #[expect(clippy::indexing_slicing, reason = "there is a map for each table")]
    fn table(&self, table: Table) -> &Map {
        &self.0[table.place()]
    }

    #[expect(clippy::indexing_slicing, reason = "there is a map for each table")]
    fn table_mut(&mut self, table: Table) -> &mut Map {
        &mut self.0[table.place()]
    }

    /// A row's bytes, if it exists.
    #[must_use]
    pub fn value(&self, table: Table, key: &[u8]) -> Option<&Vec<u8>> {
        self.table(table).get(key)
    }

    /// How many rows a table has.
    #[must_use]
    pub fn count(&self, table: Table) -> usize {
        self.table(table).len()
    }

    /// How many rows there are in all tables.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(Map::len).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Map::is_empty)
    }

    /// Bytes of all keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.all()
            .map(|(_, key, value)| key.len() + value.len())
            .sum()
    }

    /// Every row, by table and key.
    pub fn all(&self) -> impl Iterator<Item = (Table, &Vec<u8>, &Vec<u8>)> {
        let tables = Table::ALL.iter().zip(&self.0);
        tables.flat_map(|(table, rows)| rows.iter().map(|(key, value)| (*table, key, value)))
    }

    /// The rows of a table.
    pub fn of(&self, table: Table) -> impl Iterator<Item = (&Vec<u8>, &Vec<u8>)> {
        self.table(table).iter()
    }

    /// Puts or deletes a row; returns its previous value.
    pub fn set(&mut self, table: Table, key: &[u8], value: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let rows = self.table_mut(table);
        match (value, rows.get_mut(key)) {
            (Some(value), Some(row)) => Some(std::mem::replace(row, value)),
            (Some(value), None) => rows.insert(key.to_vec(), value),
            (None, _) => rows.remove(key),
        }
    }

    /// Deletes all rows of a table.
    pub fn clear(&mut self, table: Table) {
        self.table_mut(table).clear();
    }

    /// Applies writes; returns the previous values, in the same order.
    pub fn apply(&mut self, writes: &[Write]) -> Vec<Option<Vec<u8>>> {
        let set = |write: &Write| self.set(write.table, &write.key, write.value.clone());
        writes.iter().map(set).collect()
    }
}

impl Rows for Tables {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        let rows = self.table(table);
        keys.iter().map(|key| rows.get(key).cloned()).collect()
    }

    fn look(&self, table: Table, key: RowKey, see: &mut dyn FnMut(Option<&[u8]>)) {
        see(self.table(table).get(key.as_bytes()).map(Vec::as_slice));
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        let from = Bound::Included(range.from.as_slice());
        let to = match range.to.as_slice() {
            [] => Bound::Unbounded,
            to => Bound::Excluded(to),
        };
        if matches!(to, Bound::Excluded(to) if to <= range.from.as_slice()) {
            return Scan::default();
        }
        let found = self.table(table).range::<[u8], _>((from, to));
        if range.reverse {
            cut(found.rev(), range)
        } else {
            cut(found, range)
        }
    }
}

/// The rows within the limits of a range.
fn cut<'r>(rows: impl Iterator<Item = (&'r Vec<u8>, &'r Vec<u8>)>, range: &Range) -> Scan {
    let mut scan = Scan::default();
    let mut bytes = 0;
    for (key, value) in rows {
        bytes += key.len() + value.len();
        let is_full = scan.rows.len() >= range.rows_max as usize;
        if is_full || (!scan.rows.is_empty() && bytes > range.bytes_max as usize) {
            scan.more = true;
            break;
        }
        scan.rows.push((key.clone(), value.clone()));
    }
    scan
}
