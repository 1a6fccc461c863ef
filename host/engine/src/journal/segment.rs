//! Segment files: `<first sequence number>.journal`, a header, and groups of records, each group
//! preceded by a mark.
//!
//! A group is appended only once the previous one is durable. So a mark after bytes that are not a
//! whole record distinguishes damage from a torn append.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::JournalError;
use super::entry::{Digest, Entry, PAYLOAD_KEY_BYTES, RECORD_HEADER_BYTES, head_checksum};

/// Bytes after which a segment is closed and the next one started.
pub const SEGMENT_BYTES: u64 = 64 << 20;

/// Length of a segment's header.
pub(super) const HEADER_BYTES: usize = 64;

/// Length of the mark before a group.
pub(super) const MARK_BYTES: usize = 16;

/// Maximum bytes of an entry without its payload; a longer one is damage.
const HEAD_BYTES_MAX: usize = 16 << 20;

/// Maximum bytes of a payload; a longer one is damage. Inputs are far smaller.
const PAYLOAD_BYTES_MAX: usize = 256 << 20;

/// Identifies the format.
const MAGIC: &[u8; 7] = b"CWJRNL\0";

/// Follows the magic; rises when the format changes.
const VERSION: u8 = 2;

const EXTENSION: &str = "journal";

/// A segment on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Number of its first entry.
    pub first_seq: u64,
    /// Its file.
    pub path: PathBuf,
}

impl SegmentInfo {
    pub(super) fn new(folder: &Path, first_seq: u64) -> SegmentInfo {
        SegmentInfo {
            first_seq,
            path: folder.join(format!("{first_seq:020}.{EXTENSION}")),
        }
    }

    pub(super) fn file_name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    pub(super) fn damaged(&self, offset: u64, what: impl Into<String>) -> JournalError {
        JournalError::Damaged {
            file: self.file_name(),
            offset,
            what: what.into(),
        }
    }
}

/// The segments of a folder, in ascending order.
///
/// # Errors
/// Those of the operating system.
pub fn segments(folder: &Path) -> io::Result<Vec<SegmentInfo>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_segment = path.extension().is_some_and(|it| it == EXTENSION);
        let number = path.file_stem().and_then(|it| it.to_str()?.parse().ok());
        if let (true, Some(first_seq)) = (is_segment, number) {
            found.push(SegmentInfo { first_seq, path });
        }
    }
    found.sort_by_key(|segment| segment.first_seq);
    Ok(found)
}

/// Random bytes of a segment: without them a user could write a message that looks like a mark.
pub(super) type Salt = [u8; 8];

/// The mark of a group at this offset.
pub(super) fn mark(salt: Salt, offset: u64) -> [u8; MARK_BYTES] {
    let mut mark = [0; MARK_BYTES];
    let (first, last) = mark.split_at_mut(salt.len());
    first.copy_from_slice(&salt);
    last.copy_from_slice(&offset.to_le_bytes());
    mark
}

/// The header of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    /// Number of the first entry.
    pub(super) first_seq: u64,
    /// Digest of the entry before it.
    pub(super) previous: Digest,
    /// For its marks.
    pub(super) salt: Salt,
}

impl SegmentHeader {
    /// Magic, version, number, digest, salt, checksum, zeros.
    pub(super) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.first_seq.to_le_bytes());
        bytes.extend_from_slice(&self.previous.0);
        bytes.extend_from_slice(&self.salt);
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        let mut header = [0; HEADER_BYTES];
        for (to, from) in header.iter_mut().zip(bytes) {
            *to = from;
        }
        header
    }

    /// Parses a header; `None` if it was never fully written.
    pub(super) fn parse(bytes: &[u8; HEADER_BYTES]) -> Option<SegmentHeader> {
        let (_, rest) = bytes.strip_prefix(MAGIC.as_slice())?.split_first()?;
        let (first_seq, rest) = rest.split_first_chunk()?;
        let (previous, rest) = rest.split_first_chunk()?;
        let header = SegmentHeader {
            first_seq: u64::from_le_bytes(*first_seq),
            previous: Digest(*previous),
            salt: *rest.first_chunk()?,
        };
        (header.to_bytes() == *bytes).then_some(header)
    }

    /// The version of a header written by another release.
    pub(super) fn other_version(bytes: &[u8; HEADER_BYTES]) -> Option<u8> {
        let version = *bytes.strip_prefix(MAGIC.as_slice())?.first()?;
        (version != VERSION).then_some(version)
    }
}

/// The header of a record: lengths and checksums.
pub(super) struct RecordHeader {
    lengths: [u8; 8],
    head_bytes: usize,
    payload_bytes: usize,
    head_checksum: u32,
    payload_checksum: u32,
}

impl RecordHeader {
    /// `None` if these cannot be the first bytes of a record.
    pub(super) fn parse(bytes: &[u8; RECORD_HEADER_BYTES]) -> Option<RecordHeader> {
        let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let header = RecordHeader {
            lengths: *bytes.first_chunk()?,
            head_bytes: word(0)? as usize,
            payload_bytes: word(4)? as usize,
            head_checksum: word(8)?,
            payload_checksum: word(12)?,
        };
        let is_possible = (1..=HEAD_BYTES_MAX).contains(&header.head_bytes)
            && header.payload_bytes <= PAYLOAD_BYTES_MAX;
        is_possible.then_some(header)
    }

    /// Length of the record after this header.
    pub(super) fn body_bytes(&self) -> usize {
        self.head_bytes + PAYLOAD_KEY_BYTES + self.payload_bytes
    }

    /// Decodes the record: entry, its digest, the payload's key, the payload.
    pub(super) fn body<'a>(&self, bytes: &'a [u8]) -> Option<(Entry, Digest, &'a [u8], &'a [u8])> {
        let (head, rest) = bytes.split_at_checked(self.head_bytes)?;
        let (key, payload) = rest.split_at_checked(PAYLOAD_KEY_BYTES)?;
        let is_whole = head_checksum(&self.lengths, head, key) == self.head_checksum
            && crc32fast::hash(payload) == self.payload_checksum;
        if !is_whole {
            return None;
        }
        Some((Entry::from_bytes(head)?, Digest::of(head), key, payload))
    }
}
