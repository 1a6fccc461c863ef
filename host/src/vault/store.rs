//! Storage of the vault's rows: bytes to bytes, changed in durable transactions.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use redb::backends::FileBackend;
use redb::{Database, Durability, ReadableDatabase, TableDefinition, TableError};

use super::VaultError;

/// One change of a transaction: a key and its new value; `None` deletes.
pub type Change = (Vec<u8>, Option<Vec<u8>>);

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// What the vault needs from a store. The one that ships is a file; a cluster would keep its secrets in the
/// database that holds its journal.
pub trait SecretStore: Send + Sync + 'static {
    /// The value of a key.
    ///
    /// # Errors
    /// [`VaultError::Store`] when the store cannot be read.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, VaultError>;

    /// Rows whose key starts with `prefix` and comes after `after`, in ascending order, at most `rows_max`.
    ///
    /// # Errors
    /// [`VaultError::Store`] when the store cannot be read.
    fn scan(&self, prefix: &[u8], after: &[u8], rows_max: usize) -> Result<Vec<Row>, VaultError>;

    /// Applies all changes, or none; they are durable when it returns.
    ///
    /// # Errors
    /// [`VaultError::Store`] if nothing was changed.
    fn commit(&self, changes: &[Change]) -> Result<(), VaultError>;
}

const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("vault");

/// Bytes of the vault that redb may cache; its own default is a gigabyte.
const CACHE_BYTES: usize = 4 << 20;

/// A redb file that only its owner can read.
pub struct FileStore {
    path: PathBuf,
    /// `None` after a failed commit, e.g. on a full disk: redb must then be reopened.
    database: RwLock<Option<Database>>,
}

impl FileStore {
    /// Opens the file, or creates it.
    ///
    /// # Errors
    /// [`VaultError::Store`] if it cannot be opened, or is open in another process.
    pub fn open(path: &Path) -> Result<FileStore, VaultError> {
        Ok(FileStore {
            path: path.to_path_buf(),
            database: RwLock::new(Some(open(path)?)),
        })
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        if let Some(database) = &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
            return work(database);
        }
        let mut slot = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let database = match slot.take() {
            Some(database) => database,
            None => open(&self.path)?,
        };
        work(slot.insert(database))
    }
}

/// Opens the file. Nothing is written to an intact one, so that the service can start with a full disk.
fn open(path: &Path) -> Result<Database, VaultError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(VaultError::store)?;
    let backend = FileBackend::new(file).map_err(VaultError::store)?;
    let database = redb::Builder::new()
        .set_cache_size(CACHE_BYTES)
        .create_with_backend(backend)
        .map_err(VaultError::store)?;
    let has_rows = database.begin_read().map_err(VaultError::store)?;
    if let Err(TableError::TableDoesNotExist(_)) = has_rows.open_table(ROWS) {
        let transaction = database.begin_write().map_err(VaultError::store)?;
        transaction.open_table(ROWS).map_err(VaultError::store)?;
        transaction.commit().map_err(VaultError::store)?;
    }
    Ok(database)
}

impl SecretStore for FileStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, VaultError> {
        self.with(|database| {
            let transaction = database.begin_read().map_err(VaultError::store)?;
            let table = transaction.open_table(ROWS).map_err(VaultError::store)?;
            let found = table.get(key).map_err(VaultError::store)?;
            Ok(found.map(|value| value.value().to_vec()))
        })
    }

    fn scan(&self, prefix: &[u8], after: &[u8], rows_max: usize) -> Result<Vec<Row>, VaultError> {
        self.with(|database| {
            let transaction = database.begin_read().map_err(VaultError::store)?;
            let table = transaction.open_table(ROWS).map_err(VaultError::store)?;
            let from = prefix.max(after);
            let mut found = Vec::new();
            for row in table.range::<&[u8]>(from..).map_err(VaultError::store)? {
                let (key, value) = row.map_err(VaultError::store)?;
                if !key.value().starts_with(prefix) || found.len() == rows_max {
                    break;
                }
                if key.value() != after {
                    found.push((key.value().to_vec(), value.value().to_vec()));
                }
            }
            Ok(found)
        })
    }

    fn commit(&self, changes: &[Change]) -> Result<(), VaultError> {
        let committed = self.with(|database| commit(database, changes));
        if committed.is_err() {
            let mut slot = self
                .database
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            *slot = None;
        }
        committed
    }
}

fn commit(database: &Database, changes: &[Change]) -> Result<(), VaultError> {
    let mut transaction = database.begin_write().map_err(VaultError::store)?;
    transaction
        .set_durability(Durability::Immediate)
        .map_err(VaultError::store)?;
    // Peers and clients choose bytes that are stored here, and redb's checksum is not cryptographic: two
    // phases keep a chosen value from passing as a commit after a crash.
    transaction.set_two_phase_commit(true);
    {
        let mut table = transaction.open_table(ROWS).map_err(VaultError::store)?;
        for (key, value) in changes {
            match value {
                Some(value) => table.insert(key.as_slice(), value.as_slice()),
                None => table.remove(key.as_slice()),
            }
            .map_err(VaultError::store)?;
        }
    }
    transaction.commit().map_err(VaultError::store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_and_prefixes_do_not_mix() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.redb");
        let put = |key: &[u8], value: &[u8]| (key.to_vec(), Some(value.to_vec()));
        {
            let store = FileStore::open(&path).unwrap();
            let rows = [put(b"a1", b"x"), put(b"a2", b"y"), put(b"b1", b"z")];
            store.commit(&rows).unwrap();
            store.commit(&[(b"a1".to_vec(), None)]).unwrap();
        }
        let store = FileStore::open(&path).unwrap();
        assert_eq!(store.get(b"a1").unwrap(), None);
        assert_eq!(
            store.scan(b"a", b"", 9).unwrap(),
            [(b"a2".to_vec(), b"y".to_vec())]
        );
        assert_eq!(store.scan(b"a", b"a2", 9).unwrap(), []);
        assert_eq!(store.scan(b"", b"", 1).unwrap().len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.redb");
        drop(FileStore::open(&path).unwrap());
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_second_process_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.redb");
        let _open = FileStore::open(&path).unwrap();
        assert!(FileStore::open(&path).is_err());
    }
}
