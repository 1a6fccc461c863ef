//! Exports a session from a data directory, also beside the service that runs on it.
//!
//! The journal holds inputs and digests. So its entries are carried out again up to the beginning
//! of the session, and from there on once more with all that they return written down. A masked
//! session is carried out twice: as it was, and over masked rows with masked inputs; what the
//! masked steps return is what the file holds.
//!
//! Rows stand in scratch tables on disk throughout, also the masked ones: the header names a digest
//! over all rows, so they are passed over once before they are written, which is a second pass over
//! the disk instead of a workspace in memory. Stand-ins need no pass of their own, as they follow
//! from the mask's key alone.

mod decisions;
mod exporter;
mod header;
mod host;
mod needed;
mod run;

use std::io;

use crate::file::format::{Selection, Summary};
use crate::mask::Mask;
use causeway_engine::journal::Digest;
use causeway_engine::runtime::KernelError;
use causeway_engine::{DataDirReplay, ReplayDirError};
use causeway_engine::{Difference, TablesError};
use causeway_kernel::boundary::codec::DecodeError;
use exporter::Exporter;

/// What is exported, and how.
pub struct ExportOptions {
    /// Which entries.
    pub selection: Selection,
    /// The mask; `None` = as it is.
    pub mask: Option<Mask>,
    /// The time of the export, in ms.
    pub now_ms: i64,
}

/// Why a session cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The data directory.
    #[error(transparent)]
    Source(#[from] ReplayDirError),
    /// The export's own rows.
    #[error(transparent)]
    Rows(#[from] TablesError),
    /// The file.
    #[error("the session file cannot be written: {0}")]
    File(#[from] io::Error),
    /// A step gives something else than is recorded.
    #[error("{0}; `causeway replay` on the data directory tells more")]
    Differs(#[from] Difference),
    /// A kernel that ran cannot be had.
    #[error("entry {seq} was carried out by the kernel {digest}, which cannot be had: {error}")]
    Kernel {
        /// The entry.
        seq: u64,
        /// The kernel.
        digest: Digest,
        /// Why not.
        error: KernelError,
    },
    /// An input that this build does not read, or does not write any more.
    #[error("the input of entry {seq} is of another release: {why}")]
    Input {
        /// The entry.
        seq: u64,
        /// What is not known here.
        why: DecodeError,
    },
    /// A row that the mask cannot read.
    #[error("a row of the table {table} cannot be masked: {why}")]
    Mask {
        /// Which table.
        table: &'static str,
        /// Why not.
        why: String,
    },
    /// There is nothing to export.
    #[error("there is no entry in this selection; `causeway session status` shows what there is")]
    Empty,
    /// No entry is about what was selected.
    #[error("no entry of that time is about {0}: is the id right?")]
    Nothing(String),
}

/// Ids of one kind by which an export says whose data it holds.
pub const IDS_MAX: usize = 10_000;

/// Whose data a session holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Counts.
    pub summary: Summary,
    /// The chain of outcomes.
    pub outcomes: Digest,
    /// Ids of the users, [`IDS_MAX`] at most; the summary counts all.
    pub users: Vec<String>,
    /// Ids of the channels of whose posts it holds any, [`IDS_MAX`] at most.
    pub channels: Vec<String>,
    /// `remote_id`s of the connections.
    pub connections: Vec<String>,
}

/// Exports a session; `progress` hears the number of every entry that is done.
///
/// # Errors
/// When something cannot be read, written or carried out again; what was written is of no use then.
pub fn export<W: io::Write>(
    source: &mut DataDirReplay,
    options: &ExportOptions,
    out: W,
    mut progress: impl FnMut(u64),
) -> Result<(W, Exported), ExportError> {
    let selection = &options.selection;
    let is_before = |time_ms: i64| selection.from_ms.is_some_and(|from| time_ms < from);
    let is_behind = |time_ms: i64| selection.to_ms.is_some_and(|to| time_ms >= to);
    let mut first = None;
    while let Some(recorded) = source.next_entry()? {
        if !is_before(recorded.entry.time_ms) {
            first = Some(recorded);
            break;
        }
        progress(recorded.entry.seq);
        source.apply(&recorded)?;
    }
    let first = first.filter(|it| !is_behind(it.entry.time_ms));
    let first = first.ok_or(ExportError::Empty)?;
    let mut session = Exporter::begin(source, options, &first, out)?;
    let mut next = Some(first);
    while let Some(recorded) = next {
        if is_behind(recorded.entry.time_ms) {
            break;
        }
        session.pass(&recorded)?;
        progress(recorded.entry.seq);
        next = session.next_entry()?;
    }
    session.finish()
}
