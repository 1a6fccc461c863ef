//! Searches the bytes of a text eight at a time, as one integer.

const ONES: u64 = u64::MAX / 0xff;
const HIGHS: u64 = ONES << 7;

/// The first byte marked by `marks`; see [`below`].
pub(super) fn position(bytes: &[u8], marks: impl Fn(u64) -> u64) -> Option<usize> {
    let mut passed = 0;
    let mut rest = bytes;
    loop {
        // Padding with spaces is safe: no searched set contains a space.
        let mut word = [b' '; 8];
        let (head, behind) = match rest.split_first_chunk() {
            Some((head, behind)) => (*head, behind),
            None => {
                for (slot, byte) in word.iter_mut().zip(rest) {
                    *slot = *byte;
                }
                (word, [].as_slice())
            }
        };
        let marked = marks(u64::from_le_bytes(head));
        if marked != 0 {
            return Some(passed + (marked.trailing_zeros() / 8) as usize);
        }
        if behind.is_empty() {
            return None;
        }
        passed += head.len();
        rest = behind;
    }
}

/// Marks the bytes of a word that are below a limit of at most 0x80 by their highest bit. Bytes above the
/// first such byte may be marked incorrectly: the subtraction borrows from them.
pub(super) fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGHS
}

/// Marks the bytes equal to this one, as [`below`] does.
pub(super) fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * u64::from(byte)), 1)
}

/// Marks the bytes equal to one of two that differ in one bit, as [`below`] does.
pub(super) fn either(word: u64, one: u8, other: u8) -> u64 {
    equal(word | (ONES * u64::from(one ^ other)), one | other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_of_a_set_is_found_at_every_place() {
        let marks = |word| below(word, 0x20) | equal(word, 0xe2) | either(word, b'<', b'>');
        let is_marked = |byte: &u8| *byte < 0x20 || matches!(byte, 0xe2 | b'<' | b'>');
        for length in 0..20 {
            assert_eq!(position(&vec![b'a'; length], marks), None);
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'a'; length];
                    bytes[at] = byte;
                    // Later bytes may be marked too and must not be returned as the first.
                    bytes.extend([b' ', 0x21, 0x3d, 0x80, 0xff, b'>']);
                    let expected = bytes.iter().position(is_marked);
                    assert_eq!(position(&bytes, marks), expected, "{byte:#x} at {at}");
                }
            }
        }
    }
}
