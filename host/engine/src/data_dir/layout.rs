//! The files of a data directory.
//!
//! ```text
//! LOCK            locked by the running service
//! identity        distinguishes the directory from a copy of it
//! journal/        segments of the journal
//! tables.redb     the tables as of the last checkpoint
//! tables.redb.damaged  the most recent damaged tables, set aside
//! tables.redb.new      tables being rebuilt from the journal
//! snapshots/      the tables as of some entry, from which a replay can start
//! kernels/        all kernels that ever ran
//! policies/       the policies in force
//! cache/          compiled components
//! search/         index of posts and files, a cache; see the service
//! exports.jsonl   log of exported sessions
//! journal.hold    while it exists, nothing is dropped from the journal
//! vault…          secrets; see the service
//! ```

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::data_dir::error::OpenError;

/// The paths in a data directory.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout of the given data directory.
    #[must_use]
    pub fn of(root: &Path) -> Layout {
        Layout {
            root: root.to_path_buf(),
        }
    }

    /// The directory itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The journal's segments.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    /// The tables.
    #[must_use]
    pub fn tables(&self) -> PathBuf {
        self.root.join("tables.redb")
    }

    /// Where damaged tables are set aside.
    #[must_use]
    pub fn damaged_tables(&self) -> PathBuf {
        self.root.join("tables.redb.damaged")
    }

    /// Tables that are being rebuilt from the journal.
    #[must_use]
    pub fn new_tables(&self) -> PathBuf {
        self.root.join("tables.redb.new")
    }

    /// The kernels that ever ran.
    #[must_use]
    pub fn kernels(&self) -> PathBuf {
        self.root.join("kernels")
    }

    /// The snapshots.
    #[must_use]
    pub fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots")
    }

    /// Creates the folders, accessible to the service's own user only: the journal holds what people
    /// wrote.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn make(&self) -> io::Result<()> {
        let mut private = DirBuilder::new();
        private.recursive(true).mode(0o700).create(&self.root)?;
        fs::create_dir_all(self.journal())?;
        fs::create_dir_all(self.snapshots())
    }

    /// Locks the directory for this process until the returned file is dropped.
    ///
    /// # Errors
    /// If another process holds the lock.
    pub fn lock(&self) -> Result<File, OpenError> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.root.join("LOCK"))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}
