//! The embedded journal: segment files in a folder.
//!
//! Space is written ahead as zeros, in portions, so that an append overwrites blocks that the file
//! has already and its sync has no metadata to write: measured, this halves its time. The first
//! bytes that are not a whole record end the journal; a torn append is overwritten by the next.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::entry::Digest;
use super::reader::Reader;
use super::segment::{HEADER_BYTES, SEGMENT_BYTES, SegmentInfo, header};
use super::{Group, Journal, JournalError};
use crate::disk::{Disk, DiskFile, sync_folder};

/// Bytes of space that are written ahead at once.
const AHEAD_BYTES: u64 = 4 << 20;

/// Bytes behind the last whole record that may hold a torn append: the engine's groups are
/// smaller. Anything beyond was once acknowledged: the journal is damaged.
const TORN_BYTES_MAX: usize = 16 << 20;

/// Where a journal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Number that the next entry gets.
    pub next_seq: u64,
    /// Digest of the last entry.
    pub digest: Digest,
}

/// Segment files in a folder.
pub struct SegmentJournal {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    /// `None` before the first entry, and after trouble: the next append begins a segment.
    current: Option<Current>,
    tail: Tail,
    segment_bytes: u64,
    segment_age_max: Option<Duration>,
}

struct Current {
    file: Arc<dyn DiskFile>,
    /// When this process began to write it.
    begun: Instant,
    /// Where the next record goes.
    offset: u64,
    /// Up to where the file has blocks of its own.
    written_to: u64,
}

impl SegmentJournal {
    /// Continues the journal of a folder that was read to its end.
    ///
    /// # Errors
    /// When it is damaged behind the last whole entry, or cannot be written.
    pub fn resume(
        disk: Arc<dyn Disk>,
        folder: &Path,
        reader: &Reader,
    ) -> Result<SegmentJournal, JournalError> {
        let (next_seq, digest) = reader.next().unwrap_or((1, Digest::ZERO));
        let mut journal = SegmentJournal {
            disk,
            folder: folder.to_path_buf(),
            current: None,
            tail: Tail { next_seq, digest },
            segment_bytes: SEGMENT_BYTES,
            segment_age_max: None,
        };
        if let Some((info, offset)) = reader.position() {
            check_torn(info, offset, &reader.rest()?)?;
            journal.continue_segment(info, offset)?;
        }
        Ok(journal)
    }

    /// Closes segments after so many bytes instead of [`SEGMENT_BYTES`].
    #[must_use]
    pub fn with_segment_bytes(mut self, segment_bytes: u64) -> SegmentJournal {
        self.segment_bytes = segment_bytes;
        self
    }

    /// Closes segments after this time as well, so that old entries can go although few are made.
    #[must_use]
    pub fn with_segment_age(mut self, age_max: Option<Duration>) -> SegmentJournal {
        self.segment_age_max = age_max;
        self
    }

    /// Closes the present segment: the next append begins another.
    pub fn close_segment(&mut self) {
        self.current = None;
    }

    /// Where the journal ends.
    #[must_use]
    pub fn tail(&self) -> Tail {
        self.tail
    }

    fn continue_segment(&mut self, info: &SegmentInfo, offset: u64) -> io::Result<()> {
        let file = self.disk.open(&info.path)?;
        // What a torn append left must not meet a shorter append that ends in its middle.
        file.set_len(offset)?;
        // Nor may it come back in a power cut, and what was read, and is served from now on, may
        // have been written by a process that died before its sync.
        file.sync_data()?;
        self.current = Some(Current {
            file,
            begun: Instant::now(),
            offset,
            written_to: offset,
        });
        Ok(())
    }

    /// The segment that has room.
    fn room(&mut self) -> io::Result<&mut Current> {
        let is_full = |current: &Current| {
            let age_max = self.segment_age_max;
            current.offset >= self.segment_bytes
                || age_max.is_some_and(|age_max| current.begun.elapsed() >= age_max)
        };
        if self.current.as_ref().is_some_and(is_full) {
            self.current = None;
        }
        let current = match self.current.take() {
            Some(current) => current,
            None => self.begin_segment()?,
        };
        Ok(self.current.insert(current))
    }

    fn begin_segment(&self) -> io::Result<Current> {
        let info = SegmentInfo::new(&self.folder, self.tail.next_seq);
        let file = self.disk.open(&info.path)?;
        // It exists when an earlier attempt failed half way.
        file.set_len(0)?;
        file.write_all_at(&header(self.tail.next_seq, self.tail.digest), 0)?;
        file.sync_data()?;
        sync_folder(&self.folder)?;
        Ok(Current {
            file,
            begun: Instant::now(),
            offset: HEADER_BYTES as u64,
            written_to: HEADER_BYTES as u64,
        })
    }
}

impl Journal for SegmentJournal {
    fn append(&mut self, group: &Group) -> io::Result<()> {
        if group.first_seq != self.tail.next_seq {
            return Err(io::Error::other(format!(
                "entry {} cannot follow: the journal goes on with entry {}",
                group.first_seq, self.tail.next_seq
            )));
        }
        match self.room()?.write(&group.records) {
            Ok(()) => {
                self.tail = Tail {
                    next_seq: group.first_seq + group.count,
                    digest: group.last,
                };
                Ok(())
            }
            Err(error) => {
                // What the file holds now is not known. It ends where it was whole, as far as the
                // disk lets us, and is not written to again: the next segment overrules the rest.
                if let Some(failed) = self.current.take() {
                    let cut = failed.file.set_len(failed.offset);
                    if let Err(error) = cut.and_then(|()| failed.file.sync_data()) {
                        tracing::warn!(%error, "a failed write to the journal stays behind it");
                    }
                }
                Err(error)
            }
        }
    }
}

impl Current {
    fn write(&mut self, records: &[u8]) -> io::Result<()> {
        let end = self.offset + records.len() as u64;
        self.file.write_all_at(records, self.offset)?;
        if end > self.written_to {
            let zeros = vec![0; usize::try_from(AHEAD_BYTES).unwrap_or(0)];
            self.file.write_all_at(&zeros, end)?;
            self.written_to = end + AHEAD_BYTES;
        }
        self.file.sync_data()?;
        self.offset = end;
        Ok(())
    }
}

/// Tells a torn append from damage: behind it there is nothing.
fn check_torn(info: &SegmentInfo, offset: u64, rest: &[u8]) -> Result<(), JournalError> {
    match rest.iter().rposition(|byte| *byte != 0) {
        Some(last) if last >= TORN_BYTES_MAX => {
            Err(info.damaged(offset, "there is more behind it than one torn write"))
        }
        Some(last) => {
            tracing::warn!(
                offset,
                bytes = last + 1,
                "the journal ended in a torn write"
            );
            Ok(())
        }
        None => Ok(()),
    }
}
