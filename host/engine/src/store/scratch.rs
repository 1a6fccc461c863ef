//! Rows in a file that is thrown away: what a replay or an export carries along. Only the youngest
//! are in memory, so that it takes no more for a large workspace than for a small one.

use std::cell::RefCell;
use std::path::Path;

use causeway_kernel::boundary::env::{Range, Rows, Scan};
use causeway_kernel::boundary::output::Write;
use causeway_kernel::rows::table::Table;

use super::base::{Position, Tables};
use super::error::TablesError;
use super::rows::RowsHasher;
use super::view::View;
use crate::disk::RealDisk;
use crate::journal::Digest;

/// Bytes of keys and values in memory at which they are written to the file.
const MEMORY_BYTES_MAX: usize = 4 << 20;

/// Rows in a file of their own.
pub struct ScratchRows {
    tables: Tables,
    view: View,
    /// Bytes of keys and values written since the last checkpoint.
    in_memory: usize,
}

impl ScratchRows {
    /// No rows yet, in a new file.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn create(path: &Path) -> Result<ScratchRows, TablesError> {
        ScratchRows::over(Tables::open(&RealDisk, path)?)
    }

    /// The rows of tables.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn over(tables: Tables) -> Result<ScratchRows, TablesError> {
        let view = View::of(tables.base()?.0);
        Ok(ScratchRows {
            tables,
            view,
            in_memory: 0,
        })
    }

    /// Puts and deletes rows.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn apply(&mut self, writes: Vec<Write>) -> Result<(), TablesError> {
        let bytes = |write: &Write| write.key.len() + write.value.as_ref().map_or(0, Vec::len);
        self.in_memory += writes.iter().map(bytes).sum::<usize>();
        // Nobody reads what the rows were before: no version but the last is needed.
        self.view.fresh.apply(1, 0, writes);
        if self.in_memory >= MEMORY_BYTES_MAX {
            // How far the file reaches is asked of a finished one only.
            self.tables
                .checkpoint(&self.view.fresh, &Position::default())?;
            self.view = View::of(self.tables.base()?.0);
            self.in_memory = 0;
        }
        Ok(())
    }

    /// Writes all rows to the file, which reaches to this position, and closes it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn finish(self, position: &Position) -> Result<(), TablesError> {
        self.tables.checkpoint(&self.view.fresh, position)
    }

    /// The rows as they stand; what is applied later may or may not be seen.
    #[must_use]
    pub fn read(&self) -> CheckedRows {
        CheckedRows::new(self.view())
    }

    /// The same, for the engine.
    pub(crate) fn view(&self) -> View {
        self.view.clone()
    }

    /// Every row, by rising table and key.
    ///
    /// # Errors
    /// When the rows cannot be read, or those of `each`.
    pub fn each<E: From<TablesError>>(
        &self,
        mut each: impl FnMut(Table, &[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for table in Table::ALL {
            self.each_of(*table, |key, value| each(*table, key, value))?;
        }
        Ok(())
    }

    /// Every row of a table, by rising key.
    ///
    /// # Errors
    /// As [`ScratchRows::each`].
    pub fn each_of<E: From<TablesError>>(
        &self,
        table: Table,
        each: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.view.all_rows(u64::MAX, table, each)
    }

    /// Digest of every row, as [`MemoryRows::digest`](super::MemoryRows::digest).
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub fn digest(&self) -> Result<Digest, TablesError> {
        let mut hasher = RowsHasher::default();
        self.each::<TablesError>(|table, key, value| {
            hasher.add(table, key, value);
            Ok(())
        })?;
        Ok(hasher.finish())
    }
}

/// Rows on disk for a reader that cannot be told of a failure: what cannot be read appears as
/// missing, and [`CheckedRows::finish`] says so afterwards.
pub struct CheckedRows {
    view: View,
    failed: RefCell<Option<TablesError>>,
}

impl CheckedRows {
    /// The rows of a view, all versions up to the last.
    pub(crate) fn new(view: View) -> CheckedRows {
        CheckedRows {
            view,
            failed: RefCell::new(None),
        }
    }

    /// Whether everything that was asked for could be read.
    ///
    /// # Errors
    /// The first failure, if there was one.
    pub fn finish(self) -> Result<(), TablesError> {
        self.failed.into_inner().map_or(Ok(()), Err)
    }

    fn note(&self, error: TablesError) {
        self.failed.borrow_mut().get_or_insert(error);
    }
}

impl Rows for CheckedRows {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        let found = self.view.get_many(u64::MAX, table, keys);
        found.unwrap_or_else(|error| {
            self.note(error);
            vec![None; keys.len()]
        })
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        let found = self.view.scan(u64::MAX, table, range);
        found.unwrap_or_else(|error| {
            self.note(error);
            Scan::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryRows;

    fn write(number: u32, value: Option<Vec<u8>>) -> Write {
        Write {
            table: Table::Posts,
            key: (number % 997).to_be_bytes().to_vec(),
            value,
        }
    }

    #[test]
    fn rows_are_those_of_memory_and_memory_holds_a_bounded_part_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut rows = ScratchRows::create(&folder.path().join("rows")).unwrap();
        let mut expected = MemoryRows::default();
        let mut checkpoints = 0;
        for number in 0..2_000_u32 {
            let value = vec![number.to_le_bytes()[0]; 9_000];
            let write = write(number, (number % 5 > 0).then_some(value));
            expected.apply(std::slice::from_ref(&write));
            rows.apply(vec![write]).unwrap();
            assert!(rows.in_memory < MEMORY_BYTES_MAX);
            checkpoints += usize::from(rows.view.fresh.is_empty());
        }
        assert_eq!(checkpoints, 3);
        assert_eq!(rows.digest().unwrap(), expected.digest());
        let read = rows.read();
        let keys: Vec<Vec<u8>> = (0..997_u32).map(|it| it.to_be_bytes().to_vec()).collect();
        assert_eq!(
            read.get_many(Table::Posts, &keys),
            expected.get_many(Table::Posts, &keys)
        );
        read.finish().unwrap();
    }
}
