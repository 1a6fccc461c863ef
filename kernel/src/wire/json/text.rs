//! Decoding of JSON strings.

use std::borrow::Cow;

/// Decodes the content of a validated string. Lone surrogates become U+FFFD.
pub(super) fn unescape(inside: &str) -> Cow<'_, str> {
    let Some((plain, mut rest)) = inside.split_once('\\') else {
        return Cow::Borrowed(inside);
    };
    let mut out = String::with_capacity(inside.len());
    out.push_str(plain);
    loop {
        let mut characters = rest.chars();
        let escape = characters.next();
        rest = characters.as_str();
        match escape {
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => out.push(code_point(&mut rest)),
            Some(other) => out.push(other),
            None => return Cow::Owned(out),
        }
        let Some((plain, tail)) = rest.split_once('\\') else {
            out.push_str(rest);
            return Cow::Owned(out);
        };
        out.push_str(plain);
        rest = tail;
    }
}

/// Takes the four digits after `\u`, and the second half of a surrogate pair if it follows.
fn code_point(rest: &mut &str) -> char {
    let Some(first) = take_hex(rest) else {
        return char::REPLACEMENT_CHARACTER;
    };
    if (0xD800..0xDC00).contains(&first)
        && let Some(mut after) = rest.strip_prefix("\\u")
        && let Some(second) = take_hex(&mut after)
        && (0xDC00..0xE000).contains(&second)
    {
        *rest = after;
        let combined = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return char::from_u32(combined).unwrap_or(char::REPLACEMENT_CHARACTER);
    }
    char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn take_hex(rest: &mut &str) -> Option<u32> {
    let (digits, tail) = rest.split_at_checked(4)?;
    let value = u32::from_str_radix(digits, 16).ok()?;
    *rest = tail;
    Some(value)
}
