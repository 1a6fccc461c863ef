//! Reads a journal from its segments: at startup, for a replay, also while it is being written.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::JournalError;
use super::entry::{Digest, Entry, RECORD_HEADER_BYTES, payload_digest};
use super::segment::{
    HEADER_BYTES, MARK_BYTES, RecordHeader, Salt, SegmentHeader, SegmentInfo, mark, segments,
};
use crate::disk::{Disk, DiskFile};

/// Bytes read ahead.
const BUFFER_BYTES: usize = 256 << 10;

/// An entry, its digest and its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The entry.
    pub entry: Entry,
    /// Its digest, which the next entry refers to.
    pub digest: Digest,
    /// The encoded input.
    pub payload: Vec<u8>,
}

/// Reads entries in their order, checking that each continues the one before.
pub struct Reader {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    /// Segments still to be read, the next one last.
    ahead: Vec<SegmentInfo>,
    current: Option<SegmentReader>,
    /// The number and the previous digest that the next entry must have.
    next: Option<Next>,
}

impl Reader {
    /// Starts at the segment that holds entry `from`, or at the oldest one.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn open(disk: Arc<dyn Disk>, folder: &Path, from: u64) -> Result<Reader, JournalError> {
        let mut all = segments(folder)?;
        let first = all
            .iter()
            .rposition(|segment| segment.first_seq <= from)
            .unwrap_or(0);
        let mut ahead = all.split_off(first.min(all.len()));
        ahead.reverse();
        Ok(Reader {
            disk,
            folder: folder.to_path_buf(),
            ahead,
            current: None,
            next: None,
        })
    }

    /// The next entry; `None` after the last whole one.
    ///
    /// # Errors
    /// If an entry in the middle is damaged or missing.
    pub fn next_entry(&mut self) -> Result<Option<Recorded>, JournalError> {
        loop {
            if self.current.is_none() && !self.open_next()? {
                return Ok(None);
            }
            let Some(segment) = &mut self.current else {
                return Ok(None);
            };
            // What a failed write left at the end of a segment is overruled by the next segment.
            let ends_at = self.ahead.last().map(|next| next.first_seq);
            let is_over = ends_at.is_some() && ends_at == self.next.map(|(seq, _)| seq);
            let found = if is_over {
                None
            } else {
                segment.next_record()?
            };
            match found {
                Some(recorded) => {
                    self.check(&recorded)?;
                    self.next = Some((recorded.entry.seq + 1, recorded.digest));
                    return Ok(Some(recorded));
                }
                None if self.ahead.is_empty() && !self.find_newer()? => return Ok(None),
                None => self.current = None,
            }
        }
    }

    /// Where the last entry ended.
    #[must_use]
    pub fn place(&self) -> Option<JournalPosition> {
        self.current.as_ref().map(|segment| JournalPosition {
            info: segment.info.clone(),
            salt: segment.salt,
            offset: segment.offset,
        })
    }

    /// Number of the next entry and digest of the last one, once a segment was opened.
    #[must_use]
    pub fn next(&self) -> Option<(u64, Digest)> {
        self.next
    }

    /// The bytes after the last entry: zeros, unless a write was torn.
    pub(super) fn rest(&self) -> io::Result<Vec<u8>> {
        let Some(segment) = &self.current else {
            return Ok(Vec::new());
        };
        let len = segment.file.length()?.saturating_sub(segment.offset);
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        segment.file.read_exact_at(&mut bytes, segment.offset)?;
        Ok(bytes)
    }

    fn open_next(&mut self) -> Result<bool, JournalError> {
        let Some(info) = self.ahead.pop() else {
            return Ok(false);
        };
        let Some((segment, first)) = SegmentReader::open(self.disk.as_ref(), info.clone())? else {
            // The header of the newest segment was never fully written: the segment is empty.
            return if self.ahead.is_empty() {
                Ok(false)
            } else {
                Err(info.damaged(0, "its header does not match its checksum"))
            };
        };
        match self.next {
            Some(next) if next != first => {
                return Err(info.damaged(
                    0,
                    format!(
                        "it begins with entry {}, but entry {} should come next",
                        first.0, next.0
                    ),
                ));
            }
            _ => self.next = Some(first),
        }
        self.current = Some(segment);
        Ok(true)
    }

    /// Whether the writer has started another segment meanwhile.
    fn find_newer(&mut self) -> Result<bool, JournalError> {
        let Some(current) = &self.current else {
            return Ok(false);
        };
        let known = current.info.first_seq;
        self.ahead = segments(&self.folder)?
            .into_iter()
            .filter(|segment| segment.first_seq > known)
            .rev()
            .collect();
        let newer = self.ahead.last().map(|segment| segment.first_seq);
        // If it does not continue here, entries in between were written after the last read.
        Ok(newer.is_some() && newer == self.next.map(|(seq, _)| seq))
    }

    fn check(&self, recorded: &Recorded) -> Result<(), JournalError> {
        let entry = &recorded.entry;
        match (self.next, &self.current) {
            (Some(next), Some(segment)) if next != (entry.seq, entry.previous) => {
                let what = format!(
                    "entry {} does not continue the entry before it, expected entry {}",
                    entry.seq, next.0
                );
                Err(segment.info.damaged(segment.offset, what))
            }
            _ => Ok(()),
        }
    }
}

/// The number of the next entry, and its previous digest.
type Next = (u64, Digest);

/// Whether nothing follows the header. Groups are written once the header is durable.
fn is_empty(file: &dyn DiskFile) -> io::Result<bool> {
    let behind = file.length()?.saturating_sub(HEADER_BYTES as u64);
    let mut bytes = vec![0; usize::try_from(behind).unwrap_or(0)];
    file.read_exact_at(&mut bytes, HEADER_BYTES as u64)?;
    Ok(bytes.iter().all(|byte| *byte == 0))
}

/// A place in a segment.
#[derive(Clone, Debug)]
pub struct JournalPosition {
    pub(super) info: SegmentInfo,
    pub(super) salt: Salt,
    pub(super) offset: u64,
}

/// Reads the records of one segment.
struct SegmentReader {
    info: SegmentInfo,
    salt: Salt,
    file: Arc<dyn DiskFile>,
    /// Where the next record begins.
    offset: u64,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins.
    buffered_at: u64,
}

impl SegmentReader {
    /// `None` if the header was never fully written.
    fn open(
        disk: &dyn Disk,
        info: SegmentInfo,
    ) -> Result<Option<(SegmentReader, Next)>, JournalError> {
        let file = disk.open(&info.path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => JournalError::Dropped(info.file_name()),
            _ => error.into(),
        })?;
        if file.length()? < HEADER_BYTES as u64 {
            return Ok(None);
        }
        let mut header = [0; HEADER_BYTES];
        file.read_exact_at(&mut header, 0)?;
        let Some(header) = SegmentHeader::parse(&header) else {
            if let Some(version) = SegmentHeader::other_version(&header) {
                let what = format!("its format version is {version}: another release wrote it");
                return Err(info.damaged(0, what));
            }
            return if is_empty(file.as_ref())? {
                Ok(None)
            } else {
                Err(info.damaged(0, "its header does not match its checksum"))
            };
        };
        if header.first_seq != info.first_seq {
            return Err(info.damaged(0, "its name and its header differ"));
        }
        let reader = SegmentReader {
            info,
            salt: header.salt,
            file,
            offset: HEADER_BYTES as u64,
            buffer: Vec::new(),
            buffered_at: 0,
        };
        Ok(Some((reader, (header.first_seq, header.previous))))
    }

    /// The next record; `None` if there is no fully written one here.
    fn next_record(&mut self) -> Result<Option<Recorded>, JournalError> {
        let mark = mark(self.salt, self.offset);
        let is_group = self.bytes(self.offset, MARK_BYTES)? == Some(&mark);
        let at = self.offset + if is_group { MARK_BYTES as u64 } else { 0 };
        let Some(bytes) = self.bytes(at, RECORD_HEADER_BYTES)? else {
            return Ok(None);
        };
        let Some(header) = bytes.first_chunk().and_then(RecordHeader::parse) else {
            return Ok(None);
        };
        let body_at = at + RECORD_HEADER_BYTES as u64;
        let Some(body) = self.bytes(body_at, header.body_bytes())? else {
            return Ok(None);
        };
        let Some((entry, digest, key, payload)) = header.body(body) else {
            return Ok(None);
        };
        let is_bound = key
            .first_chunk()
            .is_some_and(|key| payload_digest(key, payload) == entry.payload);
        if !is_bound {
            let what = format!("the payload of entry {} does not match it", entry.seq);
            return Err(self.info.damaged(self.offset, what));
        }
        let recorded = Recorded {
            payload: payload.to_vec(),
            entry,
            digest,
        };
        self.offset = body_at + header.body_bytes() as u64;
        Ok(Some(recorded))
    }

    /// Bytes of the file, through the buffer; `None` beyond its end.
    fn bytes(&mut self, offset: u64, count: usize) -> io::Result<Option<&[u8]>> {
        let buffered_to = self.buffered_at + self.buffer.len() as u64;
        if offset < self.buffered_at || offset + count as u64 > buffered_to {
            let len = self.file.length()?;
            if offset + count as u64 > len {
                return Ok(None);
            }
            let ahead = usize::try_from(len - offset).unwrap_or(usize::MAX);
            self.buffer.clear();
            self.buffer.resize(ahead.min(count.max(BUFFER_BYTES)), 0);
            self.file.read_exact_at(&mut self.buffer, offset)?;
            self.buffered_at = offset;
        }
        let at = usize::try_from(offset - self.buffered_at).unwrap_or(usize::MAX);
        Ok(self.buffer.get(at..at.saturating_add(count)))
    }
}
