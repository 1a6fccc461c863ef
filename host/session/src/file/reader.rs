//! Reads a session file. Damage is reported with its offset; intact parts before and after it remain
//! readable.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::block::{Block, take_piece};
use super::error::{SessionError, damaged, truncated};
use super::format::{
    BLOCK_HEAD_BYTES, BLOCK_MAGIC, END_MAGIC, FORMAT_VERSION, Header, INDEX_MAGIC, Index, MAGIC,
    Piece, TRAILER_BYTES,
};
use super::limits::{BLOCK_BYTES_MAX, HEADER_BYTES_MAX, INDEX_BYTES_MAX, ROWS_BYTES_MAX};
use super::writer::next_chain;
use causeway_engine::journal::Digest;

/// An open session file.
#[derive(Debug)]
pub struct SessionFile {
    file: File,
    length: u64,
    header: Header,
    /// Offset of the first block, and the chain there.
    begin: (u64, Digest),
    /// `None` if the end of the file is damaged or missing.
    index: Option<Index>,
    path: PathBuf,
    rows_bytes_max: u64,
}

impl SessionFile {
    /// Opens a file. A truncated file can be opened as well; reading reports where it ends.
    ///
    /// # Errors
    /// If it is not a session file, or was written by a later release.
    pub fn open(path: &Path) -> Result<SessionFile, SessionError> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let (header, begin) = read_header(&file, length)?;
        let mut session = SessionFile {
            file,
            length,
            header,
            begin,
            index: None,
            path: path.to_path_buf(),
            rows_bytes_max: ROWS_BYTES_MAX,
        };
        session.index = session.read_index().ok();
        Ok(session)
    }

    /// Opens the same file again.
    ///
    /// # Errors
    /// As [`SessionFile::open`].
    pub fn again(&self) -> Result<SessionFile, SessionError> {
        Ok(SessionFile::open(&self.path)?.keeping(self.rows_bytes_max))
    }

    /// Allows this many bytes of rows in memory instead of [`ROWS_BYTES_MAX`].
    #[must_use]
    pub fn keeping(self, rows_bytes_max: u64) -> SessionFile {
        SessionFile {
            rows_bytes_max,
            ..self
        }
    }

    /// Maximum bytes of rows in memory.
    #[must_use]
    pub fn rows_bytes_max(&self) -> u64 {
        self.rows_bytes_max
    }

    /// Its header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its index; `None` if the end of the file is damaged or missing.
    #[must_use]
    pub fn index(&self) -> Option<&Index> {
        self.index.as_ref()
    }

    /// Its length in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Its blocks.
    #[must_use]
    pub fn blocks(&self) -> Blocks<'_> {
        Blocks {
            session: self,
            offset: self.begin.0,
            chain: Some(self.begin.1),
            is_over: false,
        }
    }

    /// Its pieces up to the end or the first damage.
    pub fn pieces(&self) -> impl Iterator<Item = Result<Piece, SessionError>> + '_ {
        let mut is_over = false;
        self.blocks()
            .flat_map(|block| match block {
                Ok(block) => block.pieces().collect(),
                Err(error) => vec![Err(error)],
            })
            .take_while(move |piece| !std::mem::replace(&mut is_over, piece.is_err()))
    }

    fn read_index(&self) -> Result<Index, SessionError> {
        let at = self.length.saturating_sub(TRAILER_BYTES as u64);
        let trailer: [u8; TRAILER_BYTES] = self.chunk(at)?;
        let (checked, rest) = trailer.split_at(8 + 32);
        let checksum = crc32fast::hash(checked).to_le_bytes();
        if rest != [checksum.as_slice(), &END_MAGIC].concat() {
            return Err(damaged(at, "the trailer does not match its checksum"));
        }
        let offset = u64::from_le_bytes(first(checked));
        let head: [u8; 12] = self.chunk(offset)?;
        let length = u32::from_le_bytes(middle(&head, 4));
        let checksum = u32::from_le_bytes(middle(&head, 8));
        if !head.starts_with(&INDEX_MAGIC) || length > INDEX_BYTES_MAX {
            return Err(damaged(
                offset,
                "the index does not start with its magic bytes",
            ));
        }
        let bytes = self.bytes(offset + 12, length as usize)?;
        let is_whole = crc32fast::hash(&bytes) == checksum;
        let index = postcard::from_bytes(&bytes).ok().filter(|_| is_whole);
        index.ok_or_else(|| damaged(offset, "the index does not match its checksum"))
    }

    fn chunk<const N: usize>(&self, offset: u64) -> Result<[u8; N], SessionError> {
        chunk(&self.file, self.length, offset)
    }

    fn bytes(&self, offset: u64, length: usize) -> Result<Vec<u8>, SessionError> {
        bytes(&self.file, self.length, offset, length)
    }
}

/// Reads a session block by block.
pub struct Blocks<'s> {
    session: &'s SessionFile,
    offset: u64,
    /// The chain so far; unknown after damage.
    chain: Option<Digest>,
    is_over: bool,
}

/// The head of a block.
struct BlockHead {
    raw: usize,
    packed: usize,
    pieces: u32,
    chain: Digest,
    packed_checksum: u32,
}

impl Blocks<'_> {
    /// The next block; if it is damaged, continues with the one after it, provided that its offset is
    /// known.
    fn read(&mut self) -> Result<Option<Block>, SessionError> {
        let at = self.offset;
        if self.session.length < at.saturating_add(4) {
            self.is_over = true;
            return Err(truncated(self.session.length, "the index is missing"));
        }
        let magic: [u8; 4] = self.session.chunk(at)?;
        if magic == INDEX_MAGIC {
            self.is_over = true;
            // The blocks are intact; a damaged end is still reported.
            return self.session.read_index().map(|_| None);
        }
        let head = match self.head(at) {
            Ok(head) => head,
            Err(error) => {
                self.move_on(at);
                return Err(error);
            }
        };
        self.offset = at + (BLOCK_HEAD_BYTES + head.packed) as u64;
        let before = self.chain.replace(head.chain);
        let packed = match self
            .session
            .bytes(at + BLOCK_HEAD_BYTES as u64, head.packed)
        {
            Ok(packed) => packed,
            Err(error) => {
                self.is_over = true;
                return Err(error);
            }
        };
        if crc32fast::hash(&packed) != head.packed_checksum {
            return Err(damaged(at, "the block does not match its checksum"));
        }
        unpack(at, &head, &packed, before).map(Some)
    }

    fn head(&self, at: u64) -> Result<BlockHead, SessionError> {
        let head: [u8; BLOCK_HEAD_BYTES] = self.session.chunk(at)?;
        let (checked, checksums) = head.split_at(BLOCK_HEAD_BYTES - 8);
        let is_whole = crc32fast::hash(checked) == u32::from_le_bytes(first(checksums));
        let raw = u32::from_le_bytes(middle(&head, 4)) as usize;
        if !head.starts_with(&BLOCK_MAGIC) || !is_whole || raw > BLOCK_BYTES_MAX {
            return Err(damaged(at, "there is no block at this offset"));
        }
        Ok(BlockHead {
            raw,
            packed: u32::from_le_bytes(middle(&head, 8)) as usize,
            pieces: u32::from_le_bytes(middle(&head, 12)),
            chain: Digest(middle(&head, 24)),
            packed_checksum: u32::from_le_bytes(middle(checksums, 4)),
        })
    }

    /// Moves to the next block in the index.
    fn move_on(&mut self, from: u64) {
        self.chain = None;
        let blocks = self.session.index.iter().flat_map(|index| &index.blocks);
        match blocks.map(|block| block.offset).find(|it| *it > from) {
            Some(next) => self.offset = next,
            None => self.is_over = true,
        }
    }
}

impl Iterator for Blocks<'_> {
    type Item = Result<Block, SessionError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        self.read().transpose()
    }
}

fn unpack(
    at: u64,
    head: &BlockHead,
    packed: &[u8],
    chain: Option<Digest>,
) -> Result<Block, SessionError> {
    let mut raw = zstd::bulk::decompress(packed, head.raw)
        .map_err(|error| damaged(at, format!("the block cannot be decompressed: {error}")))?;
    let mut rest = raw.as_slice();
    let mut chain = chain;
    for _ in 0..head.pieces {
        let piece = take_piece(&mut rest)
            .ok_or_else(|| damaged(at, "the block does not contain all of its pieces"))?;
        chain = chain.map(|chain| next_chain(&chain, piece));
    }
    if chain.is_some_and(|found| found != head.chain) {
        return Err(damaged(
            at,
            "the block does not continue the chain: something in it or before it was changed",
        ));
    }
    let behind = rest.len();
    raw.truncate(raw.len() - behind);
    Ok(Block::new(at, raw))
}

fn read_header(file: &File, length: u64) -> Result<(Header, (u64, Digest)), SessionError> {
    let magic: [u8; 8] = chunk(file, length, 0).map_err(|_| SessionError::Foreign)?;
    if magic != MAGIC {
        return Err(SessionError::Foreign);
    }
    let version: [u8; 4] = chunk(file, length, 8)?;
    let found = u32::from_le_bytes(version);
    if found > FORMAT_VERSION {
        return Err(SessionError::Newer { found });
    }
    let size: [u8; 4] = chunk(file, length, 12)?;
    let header_bytes = u32::from_le_bytes(size);
    if header_bytes > HEADER_BYTES_MAX {
        return Err(damaged(12, "the header exceeds the maximum length"));
    }
    let checked = bytes(file, length, 8, 8 + header_bytes as usize)?;
    let at = 16 + u64::from(header_bytes);
    let checksum: [u8; 4] = chunk(file, length, at)?;
    let header = checked.get(8..).unwrap_or_default();
    let is_whole = crc32fast::hash(&checked).to_le_bytes() == checksum;
    let parsed = serde_json::from_slice(header).ok().filter(|_| is_whole);
    let parsed = parsed.ok_or_else(|| damaged(8, "the header does not match its checksum"))?;
    Ok((parsed, (at + 4, Digest::of(header))))
}

fn chunk<const N: usize>(file: &File, length: u64, offset: u64) -> Result<[u8; N], SessionError> {
    if offset.saturating_add(N as u64) > length {
        return Err(truncated(length, "in the middle of a piece"));
    }
    let mut out = [0; N];
    file.read_exact_at(&mut out, offset)?;
    Ok(out)
}

fn bytes(
    file: &File,
    file_length: u64,
    offset: u64,
    length: usize,
) -> Result<Vec<u8>, SessionError> {
    if offset.saturating_add(length as u64) > file_length {
        return Err(truncated(file_length, "in the middle of a piece"));
    }
    let mut out = vec![0; length];
    file.read_exact_at(&mut out, offset)?;
    Ok(out)
}

/// The first bytes of a slice, which the caller knows to be long enough.
fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    middle(bytes, 0)
}

/// Bytes from the middle of a slice, which the caller knows to be long enough.
fn middle<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    for (out, byte) in out.iter_mut().zip(bytes.iter().skip(at)) {
        *out = *byte;
    }
    out
}
