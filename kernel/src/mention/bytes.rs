//! The bytes of a text, as the parsers read them.

#[cfg(test)]
use std::cell::Cell;

#[cfg(test)]
thread_local! {
    /// Number of bytes read on this thread.
    pub(super) static LOOKED_AT: Cell<u64> = const { Cell::new(0) };
}

/// Bytes of a text, up to an end.
#[derive(Clone, Copy, Default)]
pub(super) struct Bytes<'t>(&'t [u8]);

impl<'t> Bytes<'t> {
    /// The bytes of a text before `end`.
    pub(super) fn until(text: &'t str, end: usize) -> Bytes<'t> {
        Bytes(text.as_bytes().get(..end).unwrap_or_default())
    }

    /// The byte at a position.
    pub(super) fn at(self, at: usize) -> Option<u8> {
        #[cfg(test)]
        LOOKED_AT.set(LOOKED_AT.get() + 1);
        self.0.get(at).copied()
    }

    /// The first position from `start` on, before `end`, whose byte does not satisfy `is_part`.
    pub(super) fn skip(self, start: usize, end: usize, is_part: impl Fn(u8) -> bool) -> usize {
        let mut at = start;
        while at < end && self.at(at).is_some_and(&is_part) {
            at += 1;
        }
        at
    }

    /// A range of bytes, which the caller must not read twice.
    pub(super) fn part(self, start: usize, end: usize) -> &'t [u8] {
        let part = self.0.get(start..end).unwrap_or_default();
        #[cfg(test)]
        LOOKED_AT.set(LOOKED_AT.get() + u64::try_from(part.len()).unwrap_or(u64::MAX));
        part
    }
}
