//! Writes compact JSON as Go does: `&`, `<`, `>`, U+2028 and U+2029 are escaped.

use std::io::Write as _;

/// Writes JSON into a buffer. Objects and arrays are closed by the caller; commas come by
/// themselves.
#[derive(Debug, Default)]
pub struct JsonWriter {
    out: Vec<u8>,
    /// Whether the next key or element needs a comma before it.
    comma: bool,
}

impl JsonWriter {
    /// An empty writer.
    #[must_use]
    pub fn new() -> JsonWriter {
        JsonWriter::default()
    }

    /// What was written.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Bytes written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing was written yet.
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

    /// Writes a string.
    pub fn text(&mut self, value: &str) {
        self.separate();
        self.quoted(value);
    }

    /// Writes an integer.
    pub fn integer(&mut self, value: i64) {
        self.separate();
        // Writing into memory does not fail.
        let _ = write!(self.out, "{value}");
    }

    /// Writes a truth value.
    pub fn boolean(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    /// Writes JSON text as it is; the caller vouches for it. Empty text is `null`.
    pub fn raw(&mut self, json: &str) {
        self.separate();
        self.out.extend_from_slice(if json.is_empty() {
            b"null"
        } else {
            json.as_bytes()
        });
    }

    /// Key and string.
    pub fn text_field(&mut self, key: &str, value: &str) {
        self.key(key);
        self.text(value);
    }

    /// Key and string, left out when empty.
    pub fn text_field_if(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.text_field(key, value);
        }
    }

    /// Key and integer.
    pub fn integer_field(&mut self, key: &str, value: i64) {
        self.key(key);
        self.integer(value);
    }

    /// Key and truth value.
    pub fn boolean_field(&mut self, key: &str, value: bool) {
        self.key(key);
        self.boolean(value);
    }

    /// Key and JSON text as it is.
    pub fn raw_field(&mut self, key: &str, json: &str) {
        self.key(key);
        self.raw(json);
    }

    /// Key and an array of strings.
    pub fn texts_field<'a>(&mut self, key: &str, values: impl IntoIterator<Item = &'a str>) {
        self.key(key);
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
        while let Some((plain, tail)) = rest
            .bytes()
            .position(needs_a_look)
            .and_then(|at| rest.split_at_checked(at))
        {
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

/// Whether a character that starts with this byte may need an escape; 0xE2 starts U+2028.
fn needs_a_look(byte: u8) -> bool {
    matches!(byte, 0..0x20 | b'"' | b'\\' | b'&' | b'<' | b'>' | 0xE2)
}

/// Bytes of a string in JSON, without its quotes.
#[must_use]
pub fn escaped_len(value: &str) -> usize {
    let length = |character: char| match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '&' | '<' | '>' | '\u{2028}' | '\u{2029}' => 6,
        control if control < ' ' => 6,
        plain => plain.len_utf8(),
    };
    value.chars().map(length).sum()
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
        writer.integer_field("n", -3);
        writer.raw_field("r", "");
        writer.end_object();
        let text = String::from_utf8(writer.finish()).unwrap();
        assert_eq!(
            text,
            r#"{"a":"\u003cb\u003e\u0026\u2028\u0001\"\\","l":["x","y"],"n":-3,"r":null}"#
        );
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
