//! Opens a data directory: the tables as of the last checkpoint, and above them what the journal
//! holds since.

use std::io;
use std::sync::Arc;

use crate::SubmitError;
use crate::data_dir::kernels::Kernels;
use crate::data_dir::layout::Layout;
use crate::disk::Disk;
use crate::journal::{JournalError, Reader, SegmentJournal};
use crate::policy::PolicyError;
use crate::replay::replayer::{ReplayError, Replayer};
use crate::runtime::KernelError;
use crate::runtime::acceptance::KernelRefusal;
use crate::store::{Tables, TablesError, View};

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

/// A data directory that was opened.
pub struct Recovered {
    /// The rows, and how far they reach.
    pub replayer: Replayer,
    /// The tables.
    pub tables: Tables,
    /// The journal, ready for its next entry.
    pub journal: SegmentJournal,
}

/// Opens a data directory.
///
/// # Errors
/// When it is damaged or cannot be read.
pub fn recover(
    disk: &Arc<dyn Disk>,
    layout: &Layout,
    kernels: &Kernels,
) -> Result<Recovered, OpenError> {
    let tables = Tables::open(disk.as_ref(), &layout.tables())?;
    // Its name has to survive as well, if it was made just now.
    disk.sync_folder(layout.root())?;
    let (base, position) = tables.base()?;
    let view = View {
        fresh: Arc::default(),
        frozen: None,
        base,
    };
    let from = position.seq;
    let mut replayer = Replayer::new(view, position, kernels.clone());
    // Not with the entry behind it: the segment of that one may have been begun and no more.
    let mut reader = Reader::open(Arc::clone(disk), &layout.journal(), from)?;
    let mut durable = None;
    while let Some(recorded) = reader.next_entry()? {
        if recorded.entry.seq > from {
            replayer.apply(&recorded)?;
        } else {
            durable = reader.place();
        }
    }
    let journal = SegmentJournal::resume(Arc::clone(disk), &layout.journal(), &reader, durable)?;
    let last = journal.tail().next_seq - 1;
    if last < from {
        return Err(OpenError::JournalIsShort {
            journal: last,
            tables: from,
        });
    }
    let replayed = last - from;
    if replayed > 0 {
        tracing::info!(
            steps = replayed,
            "carried out again what the tables did not have"
        );
    }
    Ok(Recovered {
        replayer,
        tables,
        journal,
    })
}
