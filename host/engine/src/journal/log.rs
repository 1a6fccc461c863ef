//! The embedded journal: segment files in a folder.
//!
//! Space is preallocated in chunks of zeros, so that an append overwrites blocks that the file
//! already has and its sync has no metadata to write: measured, this halves its time. The first
//! bytes that are not a whole record end the journal; the next append overwrites a torn one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::entry::Digest;
use super::reader::{JournalPosition, Reader};
use super::segment::{
    HEADER_BYTES, MARK_BYTES, SEGMENT_BYTES, Salt, SegmentHeader, SegmentInfo, mark,
};
use super::{Group, Journal, JournalError};
use crate::disk::{Disk, DiskFile};

/// Bytes preallocated at once.
const AHEAD_BYTES: u64 = 4 << 20;

/// Maximum bytes of a torn append after the last whole record: the engine's groups are smaller.
/// Anything beyond was once acknowledged: the journal is damaged.
const TORN_BYTES_MAX: usize = 16 << 20;

/// Where a journal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Number of the next entry.
    pub next_seq: u64,
    /// Digest of the last entry.
    pub digest: Digest,
}

/// Segment files in a folder.
pub struct SegmentJournal {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    /// `None` before the first entry and after an error: the next append starts a segment.
    current: Option<Current>,
    tail: Tail,
    segment_bytes: u64,
    segment_age_max: Option<Duration>,
}

struct Current {
    file: Arc<dyn DiskFile>,
    salt: Salt,
    /// When this process started writing to it.
    begun: Instant,
    /// Where the next record goes.
    offset: u64,
    /// Up to where the file has allocated blocks.
    written_to: u64,
}

impl SegmentJournal {
    /// Continues the journal of a folder that was read to its end. Entries up to the place `durable`
    /// are known to survive a power cut.
    ///
    /// # Errors
    /// If it is damaged after the last whole entry, or cannot be written.
    pub fn resume(
        disk: Arc<dyn Disk>,
        folder: &Path,
        reader: &Reader,
        durable: Option<JournalPosition>,
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
        if let Some(place) = reader.place() {
            check_torn(&place, &reader.rest()?)?;
            let durable = durable.filter(|durable| durable.info == place.info);
            journal.continue_segment(&place, durable.map_or(0, |durable| durable.offset))?;
        }
        Ok(journal)
    }

    /// Closes segments after this many bytes instead of [`SEGMENT_BYTES`].
    #[must_use]
    pub fn with_segment_bytes(mut self, segment_bytes: u64) -> SegmentJournal {
        self.segment_bytes = segment_bytes;
        self
    }

    /// Closes segments after this time as well, so that old entries can be dropped when few new ones
    /// are written.
    #[must_use]
    pub fn with_segment_age(mut self, age_max: Option<Duration>) -> SegmentJournal {
        self.segment_age_max = age_max;
        self
    }

    /// Closes the present segment: the next append starts another.
    pub fn close_segment(&mut self) {
        self.current = None;
    }

    /// Where the journal ends.
    #[must_use]
    pub fn tail(&self) -> Tail {
        self.tail
    }

    fn continue_segment(&mut self, place: &JournalPosition, durable_to: u64) -> io::Result<()> {
        let file = self.disk.open(&place.info.path)?;
        // Otherwise a shorter append could end in the middle of what a torn one left.
        file.set_len(place.offset)?;
        // What was read counts from now on, though the process that wrote it may have died before
        // its sync, or its sync may have failed: the system still returns such bytes from its
        // cache, but does not retry writing them to disk. So they are rewritten.
        let rest = place.offset.saturating_sub(durable_to);
        let mut bytes = vec![0; usize::try_from(rest).unwrap_or(0)];
        file.read_exact_at(&mut bytes, durable_to)?;
        file.write_all_at(&bytes, durable_to)?;
        file.sync_data()?;
        // The same applies to its name.
        self.disk.sync_folder(&self.folder)?;
        self.current = Some(Current {
            file,
            salt: place.salt,
            begun: Instant::now(),
            offset: place.offset,
            written_to: place.offset,
        });
        Ok(())
    }

    /// A segment with room.
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
        let file = self.disk.open_or_create(&info.path)?;
        // It exists if an earlier attempt failed halfway.
        file.set_len(0)?;
        let mut header = SegmentHeader {
            first_seq: self.tail.next_seq,
            previous: self.tail.digest,
            salt: Salt::default(),
        };
        getrandom::fill(&mut header.salt).map_err(io::Error::other)?;
        file.write_all_at(&header.to_bytes(), 0)?;
        file.sync_data()?;
        self.disk.sync_folder(&self.folder)?;
        Ok(Current {
            file,
            salt: header.salt,
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
                "entry {} is out of order: the journal continues with entry {}",
                group.first_seq, self.tail.next_seq
            )));
        }
        if group.count == 0 {
            // A mark with nothing after it would look like damage.
            return Ok(());
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
                // It is unknown what the file holds now. It is cut back to where it was whole, if
                // the disk lets us, and not written to again: the next segment overrules the rest.
                if let Some(failed) = self.current.take() {
                    let cut = failed.file.set_len(failed.offset);
                    if let Err(error) = cut.and_then(|()| failed.file.sync_data()) {
                        tracing::warn!(%error, "cannot cut off a failed write at the end of the journal");
                    }
                }
                Err(error)
            }
        }
    }
}

impl Current {
    fn write(&mut self, records: &[u8]) -> io::Result<()> {
        let records_at = self.offset + MARK_BYTES as u64;
        let end = records_at + records.len() as u64;
        self.file
            .write_all_at(&mark(self.salt, self.offset), self.offset)?;
        self.file.write_all_at(records, records_at)?;
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

/// Distinguishes a torn append from damage: nothing follows a torn append.
fn check_torn(place: &JournalPosition, rest: &[u8]) -> Result<(), JournalError> {
    let JournalPosition { info, salt, offset } = place;
    let is_mark = |(offset, bytes): (u64, &[u8])| bytes == mark(*salt, offset);
    if (*offset..)
        .zip(rest.windows(MARK_BYTES))
        .skip(1)
        .any(is_mark)
    {
        return Err(info.damaged(
            *offset,
            "this is not an entry, but there is more data after it; restore the data directory \
             from a backup",
        ));
    }
    match rest.iter().rposition(|byte| *byte != 0) {
        Some(last) if last >= TORN_BYTES_MAX => {
            Err(info.damaged(*offset, "there is more data after it than one torn write"))
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
