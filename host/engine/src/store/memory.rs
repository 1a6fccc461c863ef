//! Rows in memory, with the versions that readers may still need.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use causeway_kernel::boundary::env::Range;
use causeway_kernel::boundary::output::Write;
use causeway_kernel::rows::table::Table;

use super::range::bounds;

/// A row's values by the number of the step that wrote them, ascending; `None` = deleted.
type Versions = Vec<(u64, Option<Box<[u8]>>)>;
type Rows = BTreeMap<Vec<u8>, Versions>;

/// Rows newer than those on disk. Shared: one thread writes, others read.
#[derive(Debug, Default)]
pub struct MemoryTable(RwLock<Content>);

#[derive(Debug, Default)]
pub(super) struct Content {
    tables: BTreeMap<Table, Rows>,
    versions: usize,
}

impl MemoryTable {
    /// Adds the writes of a step. `boundary` is the last step of the group before the running one:
    /// readers see whole groups only, so a version after it is replaced by a newer one.
    pub fn apply(&self, seq: u64, boundary: u64, writes: Vec<Write>) {
        let mut content = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Content { tables, versions } = &mut *content;
        for Write { table, key, value } in writes {
            let row = tables.entry(table).or_default().entry(key).or_default();
            let value = value.map(Vec::into_boxed_slice);
            match row.last_mut() {
                Some(last) if last.0 > boundary => *last = (seq, value),
                _ => {
                    row.push((seq, value));
                    *versions += 1;
                }
            }
        }
    }

    /// Discards everything newer than `seq`.
    pub fn roll_back(&self, seq: u64) {
        let mut content = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut versions = 0;
        for rows in content.tables.values_mut() {
            rows.retain(|_, row| {
                row.retain(|(version, _)| *version <= seq);
                versions += row.len();
                !row.is_empty()
            });
        }
        content.versions = versions;
    }

    /// How many versions of rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.content().versions
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Locks the content for reading.
    pub(super) fn content(&self) -> Reading<'_> {
        Reading(self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Read access to a memory table; the writer waits until it is dropped.
pub(super) struct Reading<'a>(RwLockReadGuard<'a, Content>);

/// A row in a memory table: `None` = not in it, `Some(None)` = deleted.
pub(super) type Known<'a> = Option<Option<&'a [u8]>>;

/// Rows in a memory table; `None` = deleted.
type KnownRows<'a> = Box<dyn Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + 'a>;

impl std::ops::Deref for Reading<'_> {
    type Target = Content;
    fn deref(&self) -> &Content {
        &self.0
    }
}

impl Content {
    /// A row as of a step.
    pub(super) fn get(&self, table: Table, key: &[u8], seq: u64) -> Known<'_> {
        as_of(self.tables.get(&table)?.get(key)?, seq)
    }

    /// The rows of a range as of a step, in its direction.
    pub(super) fn range<'a>(&'a self, table: Table, range: &Range, seq: u64) -> KnownRows<'a> {
        let Some(rows) = self.tables.get(&table) else {
            return Box::new(std::iter::empty());
        };
        let Some(bounds) = bounds(range) else {
            return Box::new(std::iter::empty());
        };
        let rows = rows
            .range::<[u8], _>(bounds)
            .filter_map(move |(key, row)| Some((key.as_slice(), as_of(row, seq)?)));
        if range.reverse {
            Box::new(rows.rev())
        } else {
            Box::new(rows)
        }
    }

    /// The newest version of every row, in ascending order of table and key.
    pub(super) fn newest(&self) -> impl Iterator<Item = (Table, &[u8], Option<&[u8]>)> {
        self.tables.iter().flat_map(|(table, rows)| {
            rows.iter().filter_map(|(key, row)| {
                let (_, value) = row.last()?;
                Some((*table, key.as_slice(), value.as_deref()))
            })
        })
    }
}

fn as_of(row: &Versions, seq: u64) -> Known<'_> {
    let (_, value) = row.iter().rev().find(|(version, _)| *version <= seq)?;
    Some(value.as_deref())
}
