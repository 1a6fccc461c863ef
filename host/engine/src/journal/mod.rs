//! The journal: every step of a workspace, in order, in a chain of digests. It is authoritative; the
//! tables are derived from it.

pub mod entry;
mod log;
mod reader;
mod segment;

pub use entry::{Digest, Digests, Entry, InputKind, RecordedVerdict, StepOutcome};
pub use log::{SegmentJournal, Tail};
pub use reader::{JournalPosition, Reader, Recorded};
pub use segment::{SEGMENT_BYTES, SegmentInfo, segments};

use std::io;

/// An append-only log of steps. The embedded one is [`SegmentJournal`]; another implementation could
/// write to a log that several machines share.
pub trait Journal: Send {
    /// Appends the entries of a group. Returns once they survive a power cut. After an error none
    /// of them is in the journal, and the call may be repeated.
    ///
    /// # Errors
    /// If the write fails, or if the group does not follow the last entry.
    fn append(&mut self, group: &Group) -> io::Result<()>;
}

/// Consecutive entries that become durable together.
#[derive(Clone, Debug)]
pub struct Group {
    /// Number of the first entry.
    pub first_seq: u64,
    /// How many there are.
    pub count: u64,
    /// Digest of the last one.
    pub last: Digest,
    /// The entries, by [`entry::encode_record`].
    pub records: Vec<u8>,
}

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The operating system reported an error.
    #[error("the journal cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A segment was deleted after its name was read.
    #[error(
        "{0} was dropped by the running service while the journal was read: try again, and if it \
         recurs, put a hold on the journal first (causeway session hold)"
    )]
    Dropped(String),
    /// The bytes are not what was written.
    #[error("the journal is damaged in {file} at byte {offset}: {what}")]
    Damaged {
        /// Name of the segment's file.
        file: String,
        /// Offset in the file.
        offset: u64,
        /// What is wrong.
        what: String,
    },
}
