//! Blanks secret values in a peer's bytes before they become an input: servers of 2021 send bcrypt
//! hashes with their users.

/// Keys whose string values are blanked, compared without ASCII case.
const SECRET_KEYS: [&[u8]; 6] = [
    b"password",
    b"mfa_secret",
    b"auth_data",
    b"token",
    b"remote_token",
    b"refreshed_token",
];

/// Overwrites the string value of every secret key with `*`, in place and at any depth; the length
/// stays. Works on strings alone, so that it also does its duty in what is no JSON. Says how many
/// values it blanked.
pub fn blank(bytes: &mut [u8]) -> u32 {
    let mut blanked = 0;
    let mut at = 0;
    let mut secret_key = false;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = string_end(bytes, at + 1);
                let Some(inside) = bytes.get_mut(at + 1..end) else {
                    break;
                };
                let is_key = !secret_key && is_secret(inside);
                if secret_key {
                    inside.fill(b'*');
                    blanked += 1;
                }
                at = end + 1;
                secret_key = is_key && next_is_colon(bytes, &mut at);
            }
            b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            _ => {
                secret_key = false;
                at += 1;
            }
        }
    }
    blanked
}

/// Offset of the quote that ends the string, or the end of the bytes.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn next_is_colon(bytes: &[u8], at: &mut usize) -> bool {
    while matches!(bytes.get(*at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        *at += 1;
    }
    let found = bytes.get(*at) == Some(&b':');
    if found {
        *at += 1;
    }
    found
}

/// Whether the inside of a string spells a secret key, also with `\u` escapes.
fn is_secret(inside: &[u8]) -> bool {
    if !inside.contains(&b'\\') {
        return SECRET_KEYS
            .iter()
            .any(|key| inside.eq_ignore_ascii_case(key));
    }
    // Keys are short; a longer text cannot spell one even when every letter is escaped.
    if inside.len() > 6 * 16 {
        return false;
    }
    let mut plain = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        if *byte != b'\\' {
            plain.push(*byte);
        } else if let Some((digits, tail)) = rest
            .strip_prefix(b"u")
            .and_then(|rest| rest.split_at_checked(4))
        {
            let value = std::str::from_utf8(digits).ok();
            let code = value.and_then(|text| u32::from_str_radix(text, 16).ok());
            plain.push(
                code.and_then(|code| u8::try_from(code).ok())
                    .unwrap_or(b'?'),
            );
            rest = tail;
        } else {
            return false;
        }
    }
    SECRET_KEYS
        .iter()
        .any(|key| plain.eq_ignore_ascii_case(key))
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
    fn a_secret_is_blanked_even_where_the_json_breaks_off() {
        assert_eq!(blanked(r#"]]{"password":"abc"#), r#"]]{"password":"***"#);
    }

    proptest! {
        #[test]
        fn length_and_validity_stay(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let mut copy = bytes.clone();
            blank(&mut copy);
            prop_assert_eq!(copy.len(), bytes.len());
            prop_assert_eq!(Document::parse(&bytes).is_ok(), Document::parse(&copy).is_ok());
        }
    }
}
