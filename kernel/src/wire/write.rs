//! Writes compact JSON like Go: `&`, `<`, `>`, U+2028 and U+2029 are escaped.

use super::byte_search;
use super::portable::{REPLACEMENT, portable};

/// Digits of the longest integer.
const DIGITS_MAX: usize = 19;

/// Writes JSON into a buffer. Objects and arrays are closed by the caller; commas are inserted automatically.
#[derive(Debug, Default)]
pub struct JsonWriter {
    out: Vec<u8>,
    /// Whether the next key or element needs a comma before it.
    comma: bool,
    /// Whether unportable parts are replaced; see [`portable`].
    portable: bool,
}

impl JsonWriter {
    /// An empty writer.
    #[must_use]
    pub fn new() -> JsonWriter {
        JsonWriter::default()
    }

    /// An empty writer whose output every server can store and every client can read; see [`portable`].
    #[must_use]
    pub fn portable() -> JsonWriter {
        JsonWriter {
            portable: true,
            ..JsonWriter::default()
        }
    }

    /// The written bytes.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Bytes written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing has been written yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }

    fn open(&mut self, byte: u8) {
        self.separate();
        self.out.push(byte);
        self.comma = false;
    }

    fn close(&mut self, byte: u8) {
        self.out.push(byte);
        self.comma = true;
    }

    /// Opens an object.
    pub fn begin_object(&mut self) {
        self.open(b'{');
    }

    /// Closes an object.
    pub fn end_object(&mut self) {
        self.close(b'}');
    }

    /// Opens an array.
    pub fn begin_array(&mut self) {
        self.open(b'[');
    }

    /// Closes an array.
    pub fn end_array(&mut self) {
        self.close(b']');
    }

    /// Writes a key; a value follows.
    pub fn key(&mut self, key: &str) {
        self.separate();
        self.quoted(key);
        self.out.push(b':');
        self.comma = false;
    }

    /// Writes a key of the protocol, which needs no escapes; a value follows.
    fn name(&mut self, name: &'static str) {
        debug_assert!(split_plain(name).is_none(), "{name} needs escapes");
        self.separate();
        self.out.reserve(name.len() + 3);
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.comma = false;
    }

    /// Writes a string.
    pub fn text(&mut self, value: &str) {
        self.separate();
        self.quoted(value);
    }

    /// Writes an integer.
    pub fn integer(&mut self, value: i64) {
        self.separate();
        if value < 0 {
            self.out.push(b'-');
        }
        let mut digits = [0; DIGITS_MAX];
        let mut left = value.unsigned_abs();
        let mut count = 0;
        for slot in digits.iter_mut().rev() {
            *slot = b'0' + u8::try_from(left % 10).unwrap_or_default();
            left /= 10;
            count += 1;
            if left == 0 {
                break;
            }
        }
        self.out.extend(digits.iter().skip(DIGITS_MAX - count));
    }

    /// Writes a boolean.
    pub fn boolean(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    /// Writes JSON text unchanged; the caller vouches for it. Empty text becomes `null`.
    pub fn raw(&mut self, json: impl AsRef<[u8]>) {
        self.separate();
        self.out.extend_from_slice(match json.as_ref() {
            [] => b"null",
            json => json,
        });
    }

    /// Key and string.
    pub fn text_field(&mut self, key: &'static str, value: &str) {
        self.name(key);
        self.text(value);
    }

    /// Key and string; left out if empty.
    pub fn text_field_if(&mut self, key: &'static str, value: &str) {
        if !value.is_empty() {
            self.text_field(key, value);
        }
    }

    /// Key and integer.
    pub fn integer_field(&mut self, key: &'static str, value: i64) {
        self.name(key);
        self.integer(value);
    }

    /// Key and boolean.
    pub fn boolean_field(&mut self, key: &'static str, value: bool) {
        self.name(key);
        self.boolean(value);
    }

    /// Key and unchanged JSON text.
    pub fn raw_field(&mut self, key: &'static str, json: impl AsRef<[u8]>) {
        self.name(key);
        self.raw(json);
    }

    /// Key and JSON text from an external source, made portable if required.
    pub fn foreign_field(&mut self, key: &'static str, json: impl AsRef<[u8]>) {
        if self.portable {
            self.raw_field(key, portable(json.as_ref()));
        } else {
            self.raw_field(key, json);
        }
    }

    /// Key and an array of strings.
    pub fn texts_field<'a>(
        &mut self,
        key: &'static str,
        values: impl IntoIterator<Item = &'a str>,
    ) {
        self.name(key);
        self.begin_array();
        for value in values {
            self.text(value);
        }
        self.end_array();
    }

    fn quoted(&mut self, value: &str) {
        self.out.push(b'"');
        let mut rest = value;
        // Text is copied in runs; a run ends at a byte that may need an escape.
        while let Some((plain, tail)) = split_plain(rest) {
            self.out.extend_from_slice(plain.as_bytes());
            let mut characters = tail.chars();
            if let Some(character) = characters.next() {
                self.character(character);
            }
            rest = characters.as_str();
        }
        self.out.extend_from_slice(rest.as_bytes());
        self.out.push(b'"');
    }

    fn character(&mut self, character: char) {
        let escape: &[u8] = match character {
            '"' => b"\\\"",
            '\\' => b"\\\\",
            '\n' => b"\\n",
            '\r' => b"\\r",
            '\t' => b"\\t",
            '\u{8}' => b"\\b",
            '\u{c}' => b"\\f",
            '&' => b"\\u0026",
            '<' => b"\\u003c",
            '>' => b"\\u003e",
            '\u{2028}' => b"\\u2028",
            '\u{2029}' => b"\\u2029",
            '\0' if self.portable => REPLACEMENT,
            control if control < ' ' => {
                let code = u32::from(control);
                self.out
                    .extend_from_slice(format!("\\u{code:04x}").as_bytes());
                return;
            }
            plain => {
                let mut buffer = [0; 4];
                self.out
                    .extend_from_slice(plain.encode_utf8(&mut buffer).as_bytes());
                return;
            }
        };
        self.out.extend_from_slice(escape);
    }
}

/// A text split before the first character that may need an escape; `None` if there is none.
fn split_plain(text: &str) -> Option<(&str, &str)> {
    let at = byte_search::position(text.as_bytes(), needs_a_look)?;
    text.split_at_checked(at)
}

/// Marks first bytes of characters that may need an escape; 0xE2 starts U+2028. See [`byte_search`].
fn needs_a_look(word: u64) -> u64 {
    byte_search::below(word, 0x20)
        | byte_search::either(word, b'"', b'&')
        | byte_search::either(word, b'<', b'>')
        | byte_search::equal(word, b'\\')
        | byte_search::equal(word, 0xe2)
}

/// Length of a string in JSON in bytes, without its quotes.
#[must_use]
pub fn escaped_len(value: &str) -> usize {
    let mut length = value.len();
    let mut rest = value;
    while let Some((_, tail)) = split_plain(rest) {
        let mut characters = tail.chars();
        if let Some(character) = characters.next() {
            length += escape_len(character) - character.len_utf8();
        }
        rest = characters.as_str();
    }
    length
}

fn escape_len(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '&' | '<' | '>' | '\u{2028}' | '\u{2029}' => 6,
        control if control < ' ' => 6,
        plain => plain.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_go() {
        let mut writer = JsonWriter::new();
        writer.begin_object();
        writer.text_field("a", "<b>&\u{2028}\u{1}\"\\");
        writer.texts_field("l", ["x", "y"]);
        writer.integer_field("n", -30);
        writer.integer_field("o", 0);
        writer.integer_field("p", i64::MIN);
        writer.raw_field("r", "");
        writer.end_object();
        let text = String::from_utf8(writer.finish()).unwrap();
        assert_eq!(
            text,
            r#"{"a":"\u003cb\u003e\u0026\u2028\u0001\"\\","l":["x","y"],"n":-30,"o":0,"p":-9223372036854775808,"r":null}"#
        );
    }

    #[test]
    fn a_portable_writer_writes_what_would_be_made_of_the_text_of_another() {
        fn write(mut writer: JsonWriter) -> Vec<u8> {
            writer.begin_object();
            writer.text_field("a", "\0 and \\u0000");
            writer.foreign_field("b", r#"{"\u0000":1e999}"#);
            writer.foreign_field("c", "");
            writer.key("\0");
            writer.integer(i64::MIN);
            writer.end_object();
            writer.finish()
        }
        let plain = write(JsonWriter::new());
        assert_ne!(write(JsonWriter::portable()), plain);
        assert_eq!(write(JsonWriter::portable()), *portable(&plain));
    }

    #[test]
    fn every_ascii_character_is_read_back() {
        let text: String = (0..=0x7f_u8).map(char::from).collect();
        let mut writer = JsonWriter::new();
        writer.text(&text);
        let json = writer.finish();
        assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), text);
    }

    #[test]
    fn the_length_of_a_string_is_told_before_it_is_written() {
        let text = "<b>&\u{2028}\u{1}\"\\\r\n\t\u{8}\u{c} ä 日 🎉";
        let mut writer = JsonWriter::new();
        writer.text(text);
        assert_eq!(writer.len(), escaped_len(text) + 2);
    }
}
