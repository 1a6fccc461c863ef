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
    /// Another process works on it.
    #[error("another process is using it")]
    InUse,
    /// The operating system says so.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The tables cannot be opened.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// What the journal holds cannot be carried out again.
    #[error("carrying out again what the tables do not have yet: {0}")]
    Replay(#[from] ReplayError),
    /// The tables are damaged or missing, and cannot be made again.
    #[error("making the tables again from the journal: {0}")]
    Rebuild(#[from] ReplayDirError),
    /// The tables know entries that the journal does not.
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
    /// The kernel does not know what the workspace was made by; nothing was changed.
    #[error(transparent)]
    Refused(#[from] KernelRefusal),
    /// The policies cannot be loaded: nothing is let through a gate that is not there.
    #[error("the policies cannot be loaded: {0}")]
    Policies(#[from] PolicyError),
    /// The first steps could not be taken.
    #[error("the first steps: {0}")]
    Submit(#[from] SubmitError),
}

impl OpenError {
    /// Whether the file of the tables is damaged, so that they have to be made again.
    pub(crate) fn is_damage(&self) -> bool {
        match self {
            OpenError::Tables(error) | OpenError::Replay(ReplayError::Tables(error)) => {
                error.is_damage()
            }
            _ => false,
        }
    }
}
