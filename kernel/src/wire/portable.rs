//! JSON that every server can store and every client can read.
//!
//! PostgreSQL cannot store a NUL, so a Mattermost cannot keep a text with one; and a Go program refuses a
//! whole answer if one number exceeds a 64-bit float. Local users' texts with either are refused; in what
//! peers send and receive they are replaced.

use std::borrow::Cow;
use std::ops::Range;

use super::byte_search;

/// A NUL in a JSON string.
const NUL: &[u8] = b"\\u0000";
/// Its replacement: U+FFFD.
pub(super) const REPLACEMENT: &[u8] = b"\\ufffd";
/// The number of digits before the point from which a number may be too large.
const LARGEST_POINT: i64 = 309;
/// Leading digits of the smallest refused number of that length; slightly below the point at which a float
/// rounds to infinity.
/// to infinity.
const TOO_LARGE: &[u8] = b"17976931348623158";

/// Whether JSON text can be stored and read everywhere unchanged.
#[must_use]
pub fn is_portable(json: &[u8]) -> bool {
    Flaws::of(json).next().is_none()
}

/// JSON text that can be stored and read everywhere: a NUL becomes U+FFFD, a number that is too large becomes
/// a string. Invalid JSON stays invalid.
#[must_use]
pub fn portable(json: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::new();
    let mut done = 0;
    for flaw in Flaws::of(json) {
        let range = flaw.range();
        out.extend_from_slice(json.get(done..range.start).unwrap_or_default());
        match flaw {
            Flaw::Nul(_) => out.extend_from_slice(REPLACEMENT),
            Flaw::Number(_) => {
                out.push(b'"');
                out.extend_from_slice(json.get(range.clone()).unwrap_or_default());
                out.push(b'"');
            }
        }
        done = range.end;
    }
    if done == 0 {
        return Cow::Borrowed(json);
    }
    out.extend_from_slice(json.get(done..).unwrap_or_default());
    Cow::Owned(out)
}

/// A part that cannot be stored or read, and its range.
enum Flaw {
    Nul(Range<usize>),
    Number(Range<usize>),
}

impl Flaw {
    fn range(&self) -> &Range<usize> {
        match self {
            Flaw::Nul(range) | Flaw::Number(range) => range,
        }
    }
}

/// The flaws of a JSON text, in order.
struct Flaws<'j> {
    json: &'j [u8],
    at: usize,
    in_string: bool,
}

impl Flaws<'_> {
    fn of(json: &[u8]) -> Flaws<'_> {
        Flaws {
            json,
            at: 0,
            in_string: false,
        }
    }

    fn rest(&self) -> &[u8] {
        self.json.get(self.at..).unwrap_or_default()
    }

    /// Moves to the end of the string, or of its next NUL.
    fn in_string(&mut self) -> Option<Flaw> {
        while let Some(passed) = byte_search::position(self.rest(), ends_plain_text) {
            self.at += passed;
            let start = self.at;
            if self.rest().starts_with(b"\"") {
                self.at += 1;
                self.in_string = false;
                return None;
            }
            if self.rest().starts_with(NUL) {
                self.at += NUL.len();
                return Some(Flaw::Nul(start..self.at));
            }
            // The backslash and the character it escapes.
            self.at += 2;
        }
        self.at = self.json.len();
        None
    }

    fn number(&mut self) -> Option<Flaw> {
        let start = self.at;
        let is_part = |byte: &&u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
        let length = self.rest().iter().take_while(is_part).count();
        let fits = fits_a_float(self.rest().get(..length).unwrap_or_default());
        self.at += length;
        (!fits).then_some(Flaw::Number(start..self.at))
    }
}

impl Iterator for Flaws<'_> {
    type Item = Flaw;

    fn next(&mut self) -> Option<Flaw> {
        loop {
            let flaw = if self.in_string {
                self.in_string()
            } else {
                match self.rest().first()? {
                    b'"' => {
                        self.at += 1;
                        self.in_string = true;
                        None
                    }
                    b'-' | b'0'..=b'9' => self.number(),
                    _ => {
                        self.at += 1;
                        None
                    }
                }
            };
            if flaw.is_some() {
                return flaw;
            }
            if self.at >= self.json.len() {
                return None;
            }
        }
    }
}

/// Marks quotes and backslashes; see [`byte_search`].
fn ends_plain_text(word: u64) -> u64 {
    byte_search::equal(word, b'"') | byte_search::equal(word, b'\\')
}

/// Whether a number fits a 64-bit float. Computed from its digits, as the kernel does not use floats.
pub(super) fn fits_a_float(number: &[u8]) -> bool {
    let (mantissa, exponent) = match number.iter().position(|byte| b"eE".contains(byte)) {
        Some(at) => number.split_at(at),
        None => (number, [].as_slice()),
    };
    let whole = mantissa.iter().filter(|byte| byte.is_ascii_digit());
    let before_point = mantissa.iter().take_while(|byte| **byte != b'.');
    let mut digits = whole.copied().skip_while(|digit| *digit == b'0').peekable();
    if digits.peek().is_none() {
        return true;
    }
    let all = mantissa.iter().filter(|byte| byte.is_ascii_digit()).count();
    let leading = all - digits.clone().count();
    let before_point = before_point.filter(|byte| byte.is_ascii_digit()).count();
    let point = places(before_point)
        .saturating_sub(places(leading))
        .saturating_add(exponent_of(exponent));
    if point != LARGEST_POINT {
        return point < LARGEST_POINT;
    }
    let head: Vec<u8> = digits
        .chain(std::iter::repeat(b'0'))
        .take(TOO_LARGE.len())
        .collect();
    head.as_slice() < TOO_LARGE
}

fn places(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The exponent after `e`; saturates for excessive values.
fn exponent_of(text: &[u8]) -> i64 {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    let size = digits.fold(0i64, |size, digit| {
        size.saturating_mul(10)
            .saturating_add(i64::from(digit - b'0'))
    });
    if text.contains(&b'-') { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::{Document, JsonError};
    use proptest::prelude::*;

    fn of(json: &str) -> String {
        String::from_utf8(portable(json.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn a_nul_is_replaced_wherever_a_string_stands() {
        for (json, expected) in [
            (r#"{"a\u0000b":["\u0000"]}"#, r#"{"a\ufffdb":["\ufffd"]}"#),
            (r#""\\u0000""#, r#""\\u0000""#),
            (r#""\\\u0000\"\u0000""#, r#""\\\ufffd\"\ufffd""#),
            (r#""\u00001""#, r#""\ufffd1""#),
            (r#""plain" \u0000"#, r#""plain" \u0000"#),
            (r#""open \u0000"#, r#""open \ufffd"#),
            (r#""ends in \"#, r#""ends in \"#),
            ("", ""),
        ] {
            assert_eq!(of(json), expected);
            assert_eq!(is_portable(json.as_bytes()), json == expected, "{json}");
            assert!(is_portable(of(json).as_bytes()), "{json}");
        }
    }

    #[test]
    fn numbers_that_no_float_holds_become_strings() {
        let nines = "9".repeat(309);
        for large in [
            "1e999",
            "-1E+309",
            "0.1e310",
            "1.7976931348623158e308",
            "1e99999999999999999999",
            "1000e306",
            nines.as_str(),
        ] {
            assert_eq!(of(&format!("[{large},1]")), format!("[\"{large}\",1]"));
        }
        let fits = "9".repeat(308);
        for number in [
            "0",
            "-0.0e999",
            "1e308",
            "1.7976931348623157e308",
            "1e-999999999999999999999",
            "0.001e311",
            "12.5",
            fits.as_str(),
        ] {
            assert_eq!(of(number), number);
        }
        assert_eq!(of(r#"{"1e999":"1e999"}"#), r#"{"1e999":"1e999"}"#);
    }

    /// JSON with strings and numbers of every kind, and text that is almost JSON.
    fn nearly_json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "-?[0-9]{1,3}(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,4})?",
            "[0-9]{305,312}(\\.[0-9])?",
            "\"([a\\\\u0 ]|\\\\u0000|\\\\u00001|\\\\\\\\){0,6}\"",
            "[\\[\\]{},:\"\\\\u0e19]{0,6}",
        ];
        prop::collection::vec((leaf, "[,:\\]} ]{0,2}"), 0..6).prop_map(|parts| {
            let parts = parts
                .iter()
                .flat_map(|(leaf, end)| [leaf.as_str(), end.as_str()]);
            parts.fold("[".to_string(), |json, part| json + part)
        })
    }

    proptest! {
        #[test]
        fn a_document_is_read_as_its_portable_text(json in nearly_json()) {
            let direct = Document::parse_portable(json.as_bytes());
            let text = of(&json);
            let rewritten = Document::parse(text.as_bytes());
            let values = |document: Result<Document<'_>, JsonError>| {
                document.map(|document| document.root().raw().into_owned())
            };
            prop_assert_eq!(values(direct), values(rewritten));
        }

        #[test]
        fn a_number_stays_only_if_the_reference_library_reads_it(
            number in "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        ) {
            let reads = serde_json::from_str::<f64>(&number).is_ok();
            prop_assert_eq!(is_portable(number.as_bytes()), reads);
        }

        #[test]
        fn what_is_portable_stays_as_it_is_and_everything_else_becomes_so(
            json in "[\\[\\]{},:\"\\\\u0e19.-]{0,40}",
        ) {
            let result = of(&json);
            prop_assert!(is_portable(result.as_bytes()), "{result}");
            prop_assert_eq!(result == json, is_portable(json.as_bytes()));
        }
    }
}
