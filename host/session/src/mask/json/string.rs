//! The content of a JSON string, character by character, with the bytes that encode each.

use std::ops::Range;

/// The content of a string with its text replaced by one with the same character lengths: a changed
/// character is encoded in the same way as the old one, literally or as `\u`.
pub(super) fn replace(inside: &[u8], masked: impl FnOnce(&str) -> String) -> Vec<u8> {
    let spelled = spelled(inside);
    let text: String = spelled.iter().map(|(character, _)| character).collect();
    let masked = masked(&text);
    let mut out = Vec::with_capacity(inside.len());
    for ((was, range), is) in spelled.into_iter().zip(masked.chars()) {
        let bytes = inside.get(range).unwrap_or_default();
        if was == is {
            out.extend_from_slice(bytes);
        } else if bytes.first() == Some(&b'\\') {
            for unit in is.encode_utf16(&mut [0; 2]) {
                out.extend(format!("\\u{unit:04x}").bytes());
            }
        } else {
            out.extend(is.encode_utf8(&mut [0; 4]).bytes());
        }
    }
    out
}

/// The characters of a string and the bytes that encode each. Invalid UTF-8, lone surrogates and
/// incomplete escapes are U+FFFD, as in the kernel's reader.
fn spelled(inside: &[u8]) -> Vec<(char, Range<usize>)> {
    let mut out = Vec::with_capacity(inside.len());
    let mut start = 0;
    for chunk in inside.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(first) = rest.chars().next() {
            let (character, length) = if first == '\\' {
                escape(rest)
            } else {
                (first, first.len_utf8())
            };
            out.push((character, start..start + length));
            start += length;
            rest = rest.get(length..).unwrap_or_default();
        }
        let broken = chunk.invalid().len();
        if broken > 0 {
            out.push((char::REPLACEMENT_CHARACTER, start..start + broken));
            start += broken;
        }
    }
    out
}

/// The character of an escape at the start of a text, and the escape's length.
fn escape(text: &str) -> (char, usize) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    match text.as_bytes().get(1) {
        Some(b'u') => {
            let Some(first) = unit(0) else {
                return (char::REPLACEMENT_CHARACTER, text.len());
            };
            let units = std::iter::once(first).chain(unit(6));
            match char::decode_utf16(units).next() {
                Some(Ok(character)) => (character, 6 * character.len_utf16()),
                _ => (char::REPLACEMENT_CHARACTER, 6),
            }
        }
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        // `"`, `\`, `/`.
        Some(other) => (char::from(*other), 2),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}
