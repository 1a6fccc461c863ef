//! Writes a session file sequentially; it is complete once [`Writer::finish`] has returned, and until
//! then it cannot be mistaken for a complete one.

use std::io::{self, Write};

use super::codec;
use super::format::{
    BLOCK_BYTES, BLOCK_MAGIC, BlockPlace, END_MAGIC, FORMAT_VERSION, Header, INDEX_MAGIC, Index,
    MAGIC, Piece, Summary, ZSTD_LEVEL,
};
use causeway_engine::journal::Digest;

/// Writes a session.
pub struct Writer<W> {
    out: W,
    /// Bytes written so far.
    offset: u64,
    chain: Digest,
    index: Index,
    /// The pieces of the next block.
    block: Vec<u8>,
    pieces: u32,
    /// Number of the first entry of the next block.
    first_seq: Option<u64>,
    last_seq: u64,
    packer: zstd::bulk::Compressor<'static>,
}

impl<W: Write> Writer<W> {
    /// Starts a file.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn new(out: W, header: &Header) -> io::Result<Writer<W>> {
        let header = serde_json::to_vec(header)?;
        let mut writer = Writer {
            out,
            offset: 0,
            chain: Digest::of(&header),
            index: Index::default(),
            block: Vec::new(),
            pieces: 0,
            first_seq: None,
            last_seq: 0,
            packer: zstd::bulk::Compressor::new(ZSTD_LEVEL)?,
        };
        let mut checked = FORMAT_VERSION.to_le_bytes().to_vec();
        checked.extend_from_slice(&length(&header)?);
        checked.extend_from_slice(&header);
        writer.put(&MAGIC)?;
        writer.put(&checked)?;
        writer.put(&crc32fast::hash(&checked).to_le_bytes())?;
        Ok(writer)
    }

    /// Appends a piece.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn piece(&mut self, piece: &Piece) -> io::Result<()> {
        let bytes = codec::encode(piece);
        if !self.block.is_empty() && self.block.len() + bytes.len() > BLOCK_BYTES {
            self.end_block()?;
        }
        self.chain = next_chain(&self.chain, &bytes);
        self.block.extend_from_slice(&length(&bytes)?);
        self.block.extend_from_slice(&bytes);
        self.pieces += 1;
        if let Piece::Step(step) = piece {
            self.first_seq.get_or_insert(step.seq);
            self.last_seq = step.seq;
        }
        Ok(())
    }

    /// Completes the file.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn finish(mut self, summary: Summary) -> io::Result<W> {
        self.end_block()?;
        self.index.summary = summary;
        let index = postcard::to_allocvec(&self.index).map_err(io::Error::other)?;
        let offset = self.offset;
        self.put(&INDEX_MAGIC)?;
        self.put(&length(&index)?)?;
        self.put(&crc32fast::hash(&index).to_le_bytes())?;
        self.put(&index)?;
        let mut trailer = offset.to_le_bytes().to_vec();
        trailer.extend_from_slice(&self.chain.0);
        let checksum = crc32fast::hash(&trailer);
        trailer.extend_from_slice(&checksum.to_le_bytes());
        trailer.extend_from_slice(&END_MAGIC);
        self.put(&trailer)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn end_block(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let packed = self.packer.compress(&self.block)?;
        let first_seq = self.first_seq.take().unwrap_or(self.last_seq + 1);
        self.index.blocks.push(BlockPlace {
            offset: self.offset,
            first_seq,
        });
        let mut head = BLOCK_MAGIC.to_vec();
        head.extend_from_slice(&length(&self.block)?);
        head.extend_from_slice(&length(&packed)?);
        head.extend_from_slice(&self.pieces.to_le_bytes());
        head.extend_from_slice(&first_seq.to_le_bytes());
        head.extend_from_slice(&self.chain.0);
        let checksum = crc32fast::hash(&head);
        head.extend_from_slice(&checksum.to_le_bytes());
        head.extend_from_slice(&crc32fast::hash(&packed).to_le_bytes());
        self.put(&head)?;
        self.put(&packed)?;
        self.block.clear();
        self.pieces = 0;
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.offset += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

/// The chain after a piece.
pub(super) fn next_chain(chain: &Digest, piece: &[u8]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&chain.0);
    hasher.update(piece);
    Digest(*hasher.finalize().as_bytes())
}

fn length(bytes: &[u8]) -> io::Result<[u8; 4]> {
    let length = u32::try_from(bytes.len())
        .map_err(|_| io::Error::other("a piece of the session is longer than 4 GiB"))?;
    Ok(length.to_le_bytes())
}
