//! The tables on disk: one redb table for each kernel table, and one row with the position up to
//! which they reflect the journal.

use std::fmt;
use std::io;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use causeway_kernel::boundary::env::Range;
use causeway_kernel::rows::table::Table;
use redb::{
    Builder, Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, StorageBackend,
    TableDefinition, TableError, TableHandle, WriteTransaction,
};
use serde::{Deserialize, Serialize};

use super::damage::{Damage, guarded};
use super::error::TablesError;
use super::memory::MemoryTable;
use super::seal::{seal, unseal};
use crate::disk::{Disk, DiskFile};
use crate::journal::Digest;

type Bytes = &'static [u8];
type OpenTable = ReadOnlyTable<Bytes, Bytes>;

/// Size of redb's cache in bytes; its default is a gibibyte.
const CACHE_BYTES: usize = 24 << 20;

/// The engine's own table. The number in its name is the format version of all tables.
const ENGINE: TableDefinition<'static, &str, Bytes> = TableDefinition::new("engine.2");

/// Key of [`Position`] in it.
const POSITION: &str = "position";

/// How far the tables reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Number of the last entry whose writes are in the tables.
    pub seq: u64,
    /// Its digest.
    pub digest: Digest,
    /// The epoch of the journal.
    pub epoch: u64,
    /// Its time, in ms; step time never goes back.
    pub time_ms: i64,
    /// The kernel that carried it out.
    pub kernel: Digest,
    /// Digest of the policies in force, in hexadecimal.
    pub policies: String,
}

impl Default for Position {
    fn default() -> Position {
        Position {
            seq: 0,
            digest: Digest::ZERO,
            epoch: 1,
            time_ms: 0,
            kernel: Digest::ZERO,
            policies: String::new(),
        }
    }
}

/// The tables, for writing checkpoints.
pub struct Tables {
    /// `None` while it is being dropped.
    database: Option<Database>,
    damage: Damage,
}

impl Tables {
    /// Opens the tables of a file; an empty file becomes empty tables.
    ///
    /// # Errors
    /// If the file cannot be used.
    pub fn open(disk: &dyn Disk, path: &Path) -> Result<Tables, TablesError> {
        Tables::build(disk, path, false)
    }

    /// Opens them and verifies every page, by reading the whole file: normal reads check rows, but
    /// not the pages that lead to them.
    ///
    /// # Errors
    /// If the file cannot be used, or a page is damaged.
    pub fn open_checked(disk: &dyn Disk, path: &Path) -> Result<Tables, TablesError> {
        Tables::build(disk, path, true)
    }

    fn build(disk: &dyn Disk, path: &Path, check: bool) -> Result<Tables, TablesError> {
        let file = disk
            .open_or_create(path)
            .map_err(|error| TablesError::from_text(&error))?;
        let open = || {
            let mut builder = Builder::new();
            builder
                .set_cache_size(CACHE_BYTES)
                .set_check_integrity_on_open(check);
            Ok(builder.create_with_backend(Backend(file))?)
        };
        Ok(Tables {
            database: Some(guarded(open)?),
            damage: Damage::default(),
        })
    }

    fn database(&self) -> Result<&Database, TablesError> {
        let closed = || TablesError::from_text(&"they are closed");
        self.database.as_ref().ok_or_else(closed)
    }

    /// The rows as of the last checkpoint, and their position.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn base(&self) -> Result<(Arc<Base>, Position), TablesError> {
        self.damage.guard(|| {
            let base = Base::new(self.database()?.begin_read()?, self.damage.clone());
            let position = base.position()?.unwrap_or_default();
            Ok((Arc::new(base), position))
        })
    }

    /// Writes the newest version of every row and the position; durable when it returns.
    ///
    /// # Errors
    /// If they cannot be written; the tables must then be reopened.
    pub fn checkpoint(&self, rows: &MemoryTable, position: &Position) -> Result<(), TablesError> {
        self.write(position, |write| {
            let content = rows.content();
            let mut newest = content.newest().peekable();
            while let Some((table, _, _)) = newest.peek() {
                let table = *table;
                let mut open = write.open_table(definition(table))?;
                while let Some((_, key, value)) = newest.next_if(|(at, _, _)| *at == table) {
                    match value {
                        Some(value) => {
                            open.insert(key, seal(table.name(), key, value).as_slice())?
                        }
                        None => open.remove(key)?,
                    };
                }
            }
            Ok(())
        })
    }

    /// Writes rows, in ascending order of table and key, and the position into empty tables.
    ///
    /// # Errors
    /// If they cannot be written, or the source of the rows fails.
    pub fn fill<E: From<TablesError>>(
        &self,
        position: &Position,
        rows: impl Iterator<Item = Result<(Table, Vec<u8>, Vec<u8>), E>>,
    ) -> Result<(), E> {
        let mut failed = None;
        let rows = rows.map_while(|row| row.map_err(|error| failed = Some(error)).ok());
        let written = self.write(position, |write| {
            let mut rows = rows.peekable();
            while let Some((table, _, _)) = rows.peek() {
                let table = *table;
                let mut open = write.open_table(definition(table))?;
                while let Some((_, key, value)) = rows.next_if(|(at, _, _)| *at == table) {
                    let sealed = seal(table.name(), &key, &value);
                    open.insert(key.as_slice(), sealed.as_slice())?;
                }
            }
            Ok(())
        });
        match failed {
            Some(error) => Err(error),
            None => Ok(written?),
        }
    }

    fn write(
        &self,
        position: &Position,
        put: impl FnOnce(&WriteTransaction) -> Result<(), TablesError>,
    ) -> Result<(), TablesError> {
        self.damage.guard(|| {
            let mut write = self.database()?.begin_write()?;
            // Without this, opening after a kill traverses all tables.
            write.set_quick_repair(true);
            put(&write)?;
            {
                let bytes = postcard::to_allocvec(position)
                    .map_err(|error| TablesError::from_text(&error))?;
                write.open_table(ENGINE)?.insert(
                    POSITION,
                    seal(ENGINE.name(), POSITION.as_bytes(), &bytes).as_slice(),
                )?;
            }
            write.commit()?;
            Ok(())
        })
    }
}

impl Drop for Tables {
    fn drop(&mut self) {
        let database = self.database.take();
        let is_damaged = self.damage.is_known();
        let _: Result<(), TablesError> = guarded(|| {
            if is_damaged {
                // redb writes when it closes, and on damaged pages it may panic while it unwinds from a panic, which
                // ends the process. Closed by a panic, it writes nothing.
                let _closed_by_the_panic = database;
                resume_unwind(Box::new("closed without writing"));
            }
            drop(database);
            Ok(())
        });
    }
}

fn definition(table: Table) -> TableDefinition<'static, Bytes, Bytes> {
    TableDefinition::new(table.name())
}

/// The rows of one checkpoint.
pub struct Base {
    damage: Damage,
    transaction: ReadTransaction,
    /// Opened on first use; `None` inside if a table has no row yet.
    tables: Vec<OnceLock<Option<OpenTable>>>,
}

impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Base")
    }
}

impl Base {
    fn new(transaction: ReadTransaction, damage: Damage) -> Base {
        let tables = (0..=u8::MAX).map(|_| OnceLock::new()).collect();
        Base {
            damage,
            transaction,
            tables,
        }
    }

    fn position(&self) -> Result<Option<Position>, TablesError> {
        let table = match self.transaction.open_table(ENGINE) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => {
                return match self.transaction.list_tables()?.next() {
                    None => Ok(None),
                    Some(_) => Err(TablesError::from_text(&"another release wrote them")),
                };
            }
            Err(error) => return Err(error.into()),
        };
        let Some(found) = table.get(POSITION)? else {
            return Ok(None);
        };
        let position = unseal(ENGINE.name(), POSITION.as_bytes(), found.value())?;
        postcard::from_bytes(position)
            .map(Some)
            .map_err(|_| TablesError::from_text(&"another release wrote the row `position`"))
    }

    fn table(&self, table: Table) -> Result<Option<&OpenTable>, TablesError> {
        let Some(slot) = self.tables.get(usize::from(table.code())) else {
            return Ok(None);
        };
        if let Some(open) = slot.get() {
            return Ok(open.as_ref());
        }
        let opened = match self.transaction.open_table(definition(table)) {
            Ok(open) => Some(open),
            Err(TableError::TableDoesNotExist(_)) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(slot.get_or_init(|| opened).as_ref())
    }

    /// The value of a key.
    ///
    /// # Errors
    /// If the tables cannot be read.
    pub(super) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, TablesError> {
        self.damage.guard(|| {
            let Some(open) = self.table(table)? else {
                return Ok(None);
            };
            let Some(value) = open.get(key)? else {
                return Ok(None);
            };
            Ok(Some(unseal(table.name(), key, value.value())?.to_vec()))
        })
    }

    /// Whether the file is known to be damaged: all reads fail from then on.
    pub fn is_damaged(&self) -> bool {
        self.damage.is_known()
    }

    /// Notes damage found when the file was reopened.
    pub fn note_damage(&self) {
        self.damage.note();
    }

    /// The rows of a range in its direction, read lazily.
    ///
    /// # Errors
    /// If the tables cannot be read.
    pub(super) fn range(&self, table: Table, range: &Range) -> Result<BaseRows, TablesError> {
        let is_empty = !range.to.is_empty() && range.from >= range.to;
        let rows = self.damage.guard(|| match self.table(table)? {
            Some(open) if !is_empty => {
                let from = range.from.as_slice();
                Ok(Some(if range.to.is_empty() {
                    open.range(from..)?
                } else {
                    open.range(from..range.to.as_slice())?
                }))
            }
            _ => Ok(None),
        })?;
        Ok(BaseRows {
            damage: self.damage.clone(),
            table,
            rows,
            reverse: range.reverse,
        })
    }
}

/// Rows of a checkpoint.
pub(super) struct BaseRows {
    damage: Damage,
    table: Table,
    rows: Option<redb::Range<'static, Bytes, Bytes>>,
    reverse: bool,
}

impl Iterator for BaseRows {
    type Item = Result<(Vec<u8>, Vec<u8>), TablesError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.rows.as_mut()?;
        let row = self.damage.guard(|| {
            let row = if self.reverse {
                rows.next_back()
            } else {
                rows.next()
            };
            let Some((key, value)) = row.transpose()? else {
                return Ok(None);
            };
            let value = unseal(self.table.name(), key.value(), value.value())?;
            Ok(Some((key.value().to_vec(), value.to_vec())))
        });
        row.transpose()
    }
}

/// A file as a redb storage backend.
#[derive(Debug)]
struct Backend(Arc<dyn DiskFile>);

impl StorageBackend for Backend {
    fn len(&self) -> Result<u64, io::Error> {
        self.0.length()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.0.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.0.write_all_at(data, offset)
    }
}
