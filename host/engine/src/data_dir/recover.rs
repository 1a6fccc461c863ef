//! Opens a data directory: the tables as of the last checkpoint, plus the journal entries since.

use std::sync::Arc;

use crate::data_dir::error::OpenError;
use crate::data_dir::kernels::Kernels;
use crate::data_dir::layout::Layout;
use crate::disk::Disk;
use crate::journal::{Reader, SegmentJournal};
use crate::replay::replayer::Replayer;
use crate::store::{Tables, View};

/// An opened data directory.
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
/// If it is damaged or cannot be read.
pub fn recover(
    disk: &Arc<dyn Disk>,
    layout: &Layout,
    kernels: &Kernels,
) -> Result<Recovered, OpenError> {
    let tables = Tables::open(disk.as_ref(), &layout.tables())?;
    // If the file was just created, its name has to be durable as well.
    disk.sync_folder(layout.root())?;
    let (base, position) = tables.base()?;
    let view = View::of(base);
    let from = position.seq;
    let mut replayer = Replayer::new(view, position, kernels.clone());
    // Not from the next entry: its segment may exist but still be empty.
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
            "replayed the journal entries that the tables did not have"
        );
    }
    Ok(Recovered {
        replayer,
        tables,
        journal,
    })
}
