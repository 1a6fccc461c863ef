//! Why a data directory cannot be opened.

use std::io;

use crate::SubmitError;
use crate::journal::JournalError;
use crate::policy::PolicyError;
use crate::replay::ReplayDirError;
use crate::replay::replayer::ReplayError;
use crate::runtime::KernelError;
use crate::runtime::acceptance::KernelRefusal;
use crate::store::TablesError;

/// Why a data directory cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process is using it.
    #[error("another process is using it")]
    InUse,
    /// The operating system reported an error.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The tables cannot be opened.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// The end of the journal cannot be replayed.
    #[error("replaying the journal entries that the tables do not have yet: {0}")]
    Replay(#[from] ReplayError),
    /// The tables are damaged or missing, and cannot be rebuilt.
    #[error("rebuilding the tables from the journal: {0}")]
    Rebuild(#[from] ReplayDirError),
    /// The tables reflect entries that the journal does not have.
    #[error(
        "the journal ends with entry {journal}, but the tables reach up to entry {tables}: the end \
         of the journal is lost; restore the data directory from a backup"
    )]
    JournalIsShort {
        /// The journal's last entry.
        journal: u64,
        /// The tables' last entry.
        tables: u64,
    },
    /// The kernel cannot be loaded.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The kernel does not know a behaviour of the workspace; nothing was changed.
    #[error(transparent)]
    Refused(#[from] KernelRefusal),
    /// The policies cannot be loaded: the engine does not run with a gate missing.
    #[error("the policies cannot be loaded: {0}")]
    Policies(#[from] PolicyError),
    /// The first steps failed.
    #[error("the first steps failed: {0}")]
    Submit(#[from] SubmitError),
}

impl OpenError {
    /// Whether the tables file is damaged, so that the tables have to be rebuilt.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            OpenError::Tables(error) | OpenError::Replay(ReplayError::Tables(error)) => {
                error.is_damage()
            }
            _ => false,
        }
    }
}
