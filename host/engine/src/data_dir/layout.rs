//! Where things stand in a data directory.
//!
//! ```text
//! LOCK            held by the service that runs
//! identity        tells the directory from a copy of it
//! journal/        segments of the journal
//! tables.redb     the tables as of the last checkpoint
//! tables.redb.damaged  the last ones that were found to be damaged, set aside
//! tables.redb.new      tables that are being made again from the journal
//! snapshots/      the tables at some entry, from which a replay can begin
//! kernels/        the kernels that ran
//! policies/       the policies in force
//! cache/          compiled components
//! exports.jsonl   the sessions that were exported
//! journal.hold    while it is there, nothing of the journal is dropped
//! vault…          secrets; see the service
//! ```

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::data_dir::error::OpenError;

/// A data directory.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Of a data directory.
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

    /// Tables that are being made again from the journal.
    #[must_use]
    pub fn new_tables(&self) -> PathBuf {
        self.root.join("tables.redb.new")
    }

    /// The kernels that ran.
    #[must_use]
    pub fn kernels(&self) -> PathBuf {
        self.root.join("kernels")
    }

    /// The snapshots.
    #[must_use]
    pub fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots")
    }

    /// Makes the folders. What is in them is for the service's own user: the journal holds what
    /// people wrote.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn make(&self) -> io::Result<()> {
        let mut private = DirBuilder::new();
        private.recursive(true).mode(0o700).create(&self.root)?;
        fs::create_dir_all(self.journal())?;
        fs::create_dir_all(self.snapshots())
    }

    /// Takes the directory for this process, until the file is dropped.
    ///
    /// # Errors
    /// When another process has it.
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
