//! The journal: every step of a workspace, in order, in a chain of digests. It is the truth; the
//! tables are what it comes to.

pub mod entry;
mod log;
mod reader;
mod segment;

pub use entry::{Digest, Digests, Entry, InputKind, Outcome, RecordedVerdict};
pub use log::{SegmentJournal, Tail};
pub use reader::{Place, Reader, Recorded};
pub use segment::{SEGMENT_BYTES, SegmentInfo, segments};

use std::io;

/// An append-only log of steps. The embedded one is [`SegmentJournal`]; another may lead to a log
/// that several machines share.
pub trait Journal: Send {
    /// Appends the entries of a group. Returns when they survive a power cut. After an error none
    /// of them is in the journal, and the call may be repeated.
    ///
    /// # Errors
    /// When the disk refuses, or when the group does not follow the last entry.
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
    /// The operating system says so.
    #[error("the journal cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A segment has gone since its name was read.
    #[error(
        "{0} was dropped by the running service while the journal was read: begin again, and hold \
         the journal first (causeway session hold) if that happens again"
    )]
    Dropped(String),
    /// Bytes are not what was written.
    #[error("the journal is damaged in {file} at byte {offset}: {what}")]
    Damaged {
        /// Name of the segment's file.
        file: String,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        what: String,
    },
}
