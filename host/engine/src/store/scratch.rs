//! Rows in a temporary file, for a replay or an export. Only the newest ones are in memory, so that
//! memory use does not depend on the size of the workspace.

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

/// Bytes of keys and values in memory above which they are written to the file.
const MEMORY_BYTES_MAX: usize = 4 << 20;

/// Rows in a temporary file.
pub struct ScratchRows {
    tables: Tables,
    view: View,
    /// Bytes of keys and values written since the last checkpoint.
    in_memory: usize,
}

impl ScratchRows {
    /// An empty store in a new file.
    ///
    /// # Errors
    /// If the file cannot be used.
    pub fn create(path: &Path) -> Result<ScratchRows, TablesError> {
        ScratchRows::over(Tables::open(&RealDisk, path)?)
    }

    /// The rows of existing tables.
    ///
    /// # Errors
    /// If they cannot be read.
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
    /// If the file cannot be written.
    pub fn apply(&mut self, writes: Vec<Write>) -> Result<(), TablesError> {
        let bytes = |write: &Write| write.key.len() + write.value.as_ref().map_or(0, Vec::len);
        self.in_memory += writes.iter().map(bytes).sum::<usize>();
        // Nobody reads earlier versions: only the last one is needed.
        self.view.fresh.apply(1, 0, writes);
        if self.in_memory >= MEMORY_BYTES_MAX {
            // The position matters for a finished file only.
            self.tables
                .checkpoint(&self.view.fresh, &Position::default())?;
            self.view = View::of(self.tables.base()?.0);
            self.in_memory = 0;
        }
        Ok(())
    }

    /// Writes all rows and this position to the file, and closes it.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn finish(self, position: &Position) -> Result<(), TablesError> {
        self.tables.checkpoint(&self.view.fresh, position)
    }

    /// The current rows; later changes may or may not be visible.
    #[must_use]
    pub fn read(&self) -> CheckedRows {
        CheckedRows::new(self.view())
    }

    /// The same, for the engine.
    pub(crate) fn view(&self) -> View {
        self.view.clone()
    }

    /// Calls `each` for every row, in ascending order of table and key.
    ///
    /// # Errors
    /// If the rows cannot be read; also those of `each`.
    pub fn each<E: From<TablesError>>(
        &self,
        mut each: impl FnMut(Table, &[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for table in Table::ALL {
            self.each_of(*table, |key, value| each(*table, key, value))?;
        }
        Ok(())
    }

    /// Calls `each` for every row of a table, in ascending order of keys.
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
    /// If the rows cannot be read.
    pub fn digest(&self) -> Result<Digest, TablesError> {
        let mut hasher = RowsHasher::default();
        self.each::<TablesError>(|table, key, value| {
            hasher.add(table, key, value);
            Ok(())
        })?;
        Ok(hasher.finish())
    }
}

/// Rows on disk for a reader that cannot handle errors: rows that cannot be read appear as missing,
/// and [`CheckedRows::finish`] reports the error afterwards.
pub struct CheckedRows {
    view: View,
    failed: RefCell<Option<TablesError>>,
}

impl CheckedRows {
    /// The newest rows of a view.
    pub(crate) fn new(view: View) -> CheckedRows {
        CheckedRows {
            view,
            failed: RefCell::new(None),
        }
    }

    /// Checks that all reads succeeded.
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
