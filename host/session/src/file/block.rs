//! A block of a session in memory: its frames one behind the other, each behind its length.

use std::iter;

use super::codec::{self, View};
use super::error::{SessionError, damaged};
use super::format::Frame;

/// A block whose checksum and place in the chain are right.
pub struct Block {
    /// Where in the file it begins.
    at: u64,
    raw: Vec<u8>,
}

impl Block {
    /// The bytes of frames, of a block that begins there.
    pub(super) fn new(at: u64, raw: Vec<u8>) -> Block {
        Block { at, raw }
    }

    /// Its length in memory, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.raw.len()
    }

    /// Its frames.
    pub fn frames(&self) -> impl Iterator<Item = Result<Frame, SessionError>> + '_ {
        self.pieces()
            .map(|bytes| codec::decode(bytes).ok_or_else(|| self.shapeless()))
    }

    /// Its frames, read no further than to tell what they are.
    pub(crate) fn views(&self) -> impl Iterator<Item = Result<View<'_>, SessionError>> + '_ {
        self.pieces()
            .map(|bytes| codec::view(bytes).ok_or_else(|| self.shapeless()))
    }

    /// A frame in it is none.
    pub(crate) fn shapeless(&self) -> SessionError {
        damaged(self.at, "a frame of the block is of no known shape")
    }

    fn pieces(&self) -> impl Iterator<Item = &[u8]> + '_ {
        let mut rest = self.raw.as_slice();
        iter::from_fn(move || take_frame(&mut rest))
    }
}

/// The bytes of the next frame.
pub(super) fn take_frame<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_first_chunk()?;
    let (frame, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *rest = behind;
    Some(frame)
}
