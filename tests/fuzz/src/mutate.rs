//! Mutations of inputs, made and shrunk by proptest.

use proptest::prelude::*;
use proptest::sample::Index;

/// Bytes of an inserted piece at most.
const PIECE_MAX: usize = 40;
/// Changes to one input at most.
const EDITS_MAX: usize = 6;

/// Replacements for words: ends of ranges, structural characters, bytes that are not valid in any
/// text.
const PIECES: [&[u8]; 16] = [
    b"",
    b"\0",
    b"0",
    b"-1",
    b"9223372036854775807",
    b"253402300799999",
    b"1e999",
    b"null",
    b"{}",
    b"[[[[[[[[",
    b"\"",
    b"\\ud800",
    b"\xff\xfe",
    b"\n\n",
    "\u{202e}\u{0}@\u{e9}".as_bytes(),
    b"..%2f",
];

/// A change to some bytes.
#[derive(Clone, Debug)]
pub enum Edit {
    /// Replaces a byte.
    Byte(Index, u8),
    /// Inserts bytes.
    Insert(Index, Vec<u8>),
    /// Removes bytes.
    Remove(Index, Index),
    /// Repeats a range.
    Repeat(Index, Index),
    /// Replaces a word or number with one of the pieces.
    Word(Index, Index),
    /// Truncates.
    Cut(Index),
}

/// Some changes.
pub fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let piece = prop::collection::vec(any::<u8>(), 1..PIECE_MAX);
    let edit = prop_oneof![
        3 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Edit::Byte(at, byte)),
        2 => (any::<Index>(), piece).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(at, to)| Edit::Remove(at, to)),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(at, to)| Edit::Repeat(at, to)),
        4 => (any::<Index>(), any::<Index>()).prop_map(|(at, piece)| Edit::Word(at, piece)),
        1 => any::<Index>().prop_map(Edit::Cut),
    ];
    prop::collection::vec(edit, 0..EDITS_MAX)
}

/// Applies changes.
#[must_use]
pub fn apply(mut bytes: Vec<u8>, edits: &[Edit]) -> Vec<u8> {
    for edit in edits {
        if bytes.is_empty() {
            break;
        }
        let range = |from: &Index, to: &Index| {
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            from.min(to)..from.max(to)
        };
        match edit {
            Edit::Byte(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Edit::Insert(at, piece) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, piece.iter().copied());
            }
            Edit::Remove(at, to) => {
                bytes.drain(range(at, to));
            }
            Edit::Repeat(at, to) => {
                let range = range(at, to);
                let piece = bytes[range.clone()].to_vec();
                bytes.splice(range.end..range.end, piece);
            }
            Edit::Word(at, piece) => {
                let word = word(&bytes, at.index(bytes.len()));
                bytes.splice(word, piece.get(&PIECES).iter().copied());
            }
            Edit::Cut(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
    bytes
}

/// The word at a position.
fn word(bytes: &[u8], at: usize) -> std::ops::Range<usize> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let before = bytes[..at]
        .iter()
        .rev()
        .take_while(|it| is_word(it))
        .count();
    let behind = bytes[at..].iter().take_while(|it| is_word(it)).count();
    at - before..at + behind
}
