//! Exports a session from a data directory, also while the service is running.
//!
//! The journal contains inputs and digests only. So its entries are carried out again up to the
//! beginning of the session, and from there on everything that they return is written to the file. A
//! masked session is carried out twice: as it was, and over masked rows with masked inputs; the file
//! contains the results of the masked steps.
//!
//! Rows, masked ones included, are kept in scratch tables on disk: the header contains a digest of
//! all rows, so they are read once before they are written, which costs a second pass over the disk
//! instead of a workspace in memory. Stand-ins need no pass of their own, as they only depend on the
//! mask's key.

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

/// What to export, and how.
pub struct ExportOptions {
    /// The entries to export.
    pub selection: Selection,
    /// The mask; `None` = not masked.
    pub mask: Option<Mask>,
    /// The time of the export, in ms.
    pub now_ms: i64,
}

/// Why a session cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The data directory cannot be read.
    #[error(transparent)]
    Source(#[from] ReplayDirError),
    /// The export's own rows cannot be used.
    #[error(transparent)]
    Rows(#[from] TablesError),
    /// The file cannot be written.
    #[error("the session file cannot be written: {0}")]
    File(#[from] io::Error),
    /// The result of a step differs from the recording.
    #[error("{0}; `causeway replay` on the data directory shows more")]
    Differs(#[from] Difference),
    /// The kernel of an entry is not available.
    #[error("entry {seq} was carried out by kernel {digest}, which is not available: {error}")]
    Kernel {
        /// The entry.
        seq: u64,
        /// The kernel.
        digest: Digest,
        /// Why not.
        error: KernelError,
    },
    /// An input that this build cannot read, or can no longer write.
    #[error("another release wrote the input of entry {seq}: {why}")]
    Input {
        /// The entry.
        seq: u64,
        /// Why not.
        why: DecodeError,
    },
    /// A row that the mask cannot read.
    #[error("a row of the table {table} cannot be masked: {why}")]
    Mask {
        /// The table.
        table: &'static str,
        /// Why not.
        why: String,
    },
    /// There is nothing to export.
    #[error("this selection has no entries; `causeway session status` shows what is recorded")]
    Empty,
    /// No entry concerns the selected objects.
    #[error("no entry of that time concerns {0}: is the id correct?")]
    Nothing(String),
}

/// Maximum ids of each kind that an export lists.
pub const IDS_MAX: usize = 10_000;

/// Whose data a session contains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Counts.
    pub summary: Summary,
    /// The chain of outcomes.
    pub outcomes: Digest,
    /// Ids of the users, [`IDS_MAX`] at most; the summary counts all.
    pub users: Vec<String>,
    /// Ids of the channels whose posts it contains, [`IDS_MAX`] at most.
    pub channels: Vec<String>,
    /// `remote_id`s of the connections.
    pub connections: Vec<String>,
}

/// Exports a session; `progress` is called with the number of every finished entry.
///
/// # Errors
/// If something cannot be read, written or replayed; the output is useless then.
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
