//! A block of a session in memory: its pieces in sequence, each prefixed with its length.

use std::iter;

use super::codec::{self, View};
use super::error::{SessionError, damaged};
use super::format::Piece;

/// A block whose checksum and place in the chain are correct.
pub struct Block {
    /// Its offset in the file.
    at: u64,
    raw: Vec<u8>,
}

impl Block {
    /// A block at an offset of the file, from the bytes of its pieces.
    pub(super) fn new(at: u64, raw: Vec<u8>) -> Block {
        Block { at, raw }
    }

    /// Its length in memory, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.raw.len()
    }

    /// Its pieces.
    pub fn pieces(&self) -> impl Iterator<Item = Result<Piece, SessionError>> + '_ {
        self.raw_pieces()
            .map(|bytes| codec::decode(bytes).ok_or_else(|| self.shapeless()))
    }

    /// Its pieces, decoded only as far as needed to identify them.
    pub(crate) fn views(&self) -> impl Iterator<Item = Result<View<'_>, SessionError>> + '_ {
        self.raw_pieces()
            .map(|bytes| codec::view(bytes).ok_or_else(|| self.shapeless()))
    }

    /// The error for a piece that cannot be decoded.
    pub(crate) fn shapeless(&self) -> SessionError {
        damaged(self.at, "a piece of the block cannot be decoded")
    }

    fn raw_pieces(&self) -> impl Iterator<Item = &[u8]> + '_ {
        let mut rest = self.raw.as_slice();
        iter::from_fn(move || take_piece(&mut rest))
    }
}

/// The bytes of the next piece.
pub(super) fn take_piece<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_first_chunk()?;
    let (piece, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *rest = behind;
    Some(piece)
}
