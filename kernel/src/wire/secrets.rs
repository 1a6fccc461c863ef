//! Blanks secret values in a peer's bytes before they become an input: servers of 2021 send bcrypt
//! hashes with their users.

/// Keys whose string values are blanked, compared case-insensitively (ASCII).
const SECRET_KEYS: [&[u8]; 6] = [
    b"password",
    b"mfa_secret",
    b"auth_data",
    b"token",
    b"remote_token",
    b"refreshed_token",
];

/// Object whose keys are what users typed after `@`: a user may be called `token`.
const MENTIONS_KEY: &[u8] = b"mention_transforms";

/// Overwrites the string value of every secret key with `*`, in place and at any depth; the length does not
/// change, and valid JSON stays valid. Returns the number of blanked values.
///
/// It considers only strings, so it also works in invalid JSON, before and after an error. Keys with `\u`
/// escapes are recognised. Values of other types contain no text and are left, as are the members of
/// `mention_transforms`. A secret inside a text (JSON in a string) is not found: no generation sends one
/// there.
pub fn blank(bytes: &mut [u8]) -> u32 {
    let mut blanked = 0;
    let mut at = 0;
    let mut key = Key::Other;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = string_end(bytes, at + 1);
                let inside = at + 1..end;
                at = end + 1;
                // Determined before the value is blanked: in broken JSON a value may be the next key.
                let next = if next_is(b':', bytes, &mut at) {
                    bytes.get(inside.clone()).map_or(Key::Other, spelled)
                } else {
                    Key::Other
                };
                if key == Key::Secret
                    && let Some(value) = bytes.get_mut(inside)
                {
                    value.fill(b'*');
                    blanked += 1;
                }
                key = next;
                if key == Key::Mentions && next_is(b'{', bytes, &mut at) {
                    at = mentions_end(bytes, at);
                }
            }
            b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            _ => {
                key = Key::Other;
                at += 1;
            }
        }
    }
    blanked
}

/// The meaning of a string that is followed by a colon.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Secret,
    Mentions,
    Other,
}

/// Skips members that are pairs of strings; stops at anything else, where the caller continues.
fn mentions_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    loop {
        let pair = at;
        if !next_is(b'"', bytes, &mut at) {
            return pair;
        }
        at = string_end(bytes, at) + 1;
        if !next_is(b':', bytes, &mut at) || !next_is(b'"', bytes, &mut at) {
            return pair;
        }
        at = string_end(bytes, at) + 1;
        if !next_is(b',', bytes, &mut at) {
            return at;
        }
    }
}

/// Offset of the quote that ends the string, or the end of the bytes.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(rest) = bytes.get(at..)
        && let Some(found) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))
    {
        at += found;
        if bytes.get(at) == Some(&b'"') {
            return at;
        }
        at += 2;
    }
    bytes.len()
}

/// Skips white space, and `wanted` if it follows.
fn next_is(wanted: u8, bytes: &[u8], at: &mut usize) -> bool {
    while matches!(bytes.get(*at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        *at += 1;
    }
    let found = bytes.get(*at) == Some(&wanted);
    if found {
        *at += 1;
    }
    found
}

/// The meaning of a string's content, including `\u` escapes.
fn spelled(inside: &[u8]) -> Key {
    // A longer text cannot be a key even if every letter is escaped.
    if inside.len() > 6 * MENTIONS_KEY.len() {
        return Key::Other;
    }
    if inside.contains(&b'\\') {
        unescape_ascii(inside).map_or(Key::Other, |plain| meaning(&plain))
    } else {
        meaning(inside)
    }
}

fn meaning(plain: &[u8]) -> Key {
    if SECRET_KEYS
        .iter()
        .any(|key| plain.eq_ignore_ascii_case(key))
    {
        Key::Secret
    } else if plain.eq_ignore_ascii_case(MENTIONS_KEY) {
        Key::Mentions
    } else {
        Key::Other
    }
}

/// The text with its `\u` escapes resolved; `None` if it has others, which no letter needs.
fn unescape_ascii(inside: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        if *byte != b'\\' {
            plain.push(*byte);
            continue;
        }
        let (digits, tail) = rest.strip_prefix(b"u")?.split_at_checked(4)?;
        let code = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        plain.push(u8::try_from(code).unwrap_or(b'?'));
        rest = tail;
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::Document;
    use proptest::prelude::*;

    fn blanked(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        blank(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn secret_values_are_blanked_wherever_they_stand() {
        let hash = r#"{"users":{"u":{"Password" : "$2a$10$ab\"c","props":{"mfa_secret":"X"}}}}"#;
        let expected =
            r#"{"users":{"u":{"Password" : "************","props":{"mfa_secret":"*"}}}}"#;
        assert_eq!(blanked(hash), expected);
        assert_eq!(
            blanked(r#"{"pass\u0077ord":"abc"}"#),
            r#"{"pass\u0077ord":"***"}"#
        );
    }

    #[test]
    fn words_of_a_text_are_no_keys() {
        let text = r#"{"message":"the \"password\": \"x\"","list":["password","x"],"token":7}"#;
        assert_eq!(blanked(text), text);
    }

    #[test]
    fn a_user_may_be_called_token() {
        let text = r#"{"mention_transforms" : { "token": "u1", "password":"u\"2"},"token":"x"}"#;
        let expected =
            r#"{"mention_transforms" : { "token": "u1", "password":"u\"2"},"token":"*"}"#;
        assert_eq!(blanked(text), expected);
        let text = r#"{"mention_transforms":{"token":{"token":"x"}}, "mention_transforms":"#;
        assert_eq!(blanked(text), text.replace("\"x\"", "\"*\""));
    }

    #[test]
    fn a_value_in_the_place_of_a_key_hides_no_secret() {
        assert_eq!(
            blanked(r#"{"password":"token":"abc""#),
            r#"{"password":"*****":"***""#
        );
        assert_eq!(
            blanked(r#"{"password" "token":"abc"}"#),
            r#"{"password" "token":"***"}"#
        );
    }

    #[test]
    fn a_secret_is_blanked_even_where_the_json_breaks_off() {
        assert_eq!(blanked(r#"]]{"password":"abc"#), r#"]]{"password":"***"#);
    }

    proptest! {
        #[test]
        fn length_and_validity_stay(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let mut copy = bytes.clone();
            blank(&mut copy);
            prop_assert_eq!(copy.len(), bytes.len());
            prop_assert!(Document::parse(&bytes).is_err() || Document::parse(&copy).is_ok());
        }
    }
}
