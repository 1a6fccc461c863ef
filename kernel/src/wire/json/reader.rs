//! The validating pass: from text to nodes.

use super::super::byte_search;
use super::super::portable::fits_a_float;
use super::{BYTES_MAX, DEPTH_MAX, JsonError, JsonErrorKind, JsonType, NODES_MAX, Node};

/// Digits that always fit a 64-bit float.
const SMALL_NUMBER_DIGITS: usize = 300;

/// Parses the first value of `text`. One loop with a list of open containers, so that no input can exhaust
/// the stack. Also returns whether the value [is portable](super::super::portable::is_portable).
pub(super) fn read(text: &str) -> Result<(Vec<Node>, bool), JsonError> {
    if text.len() > BYTES_MAX {
        return Err(JsonError {
            offset: 0,
            kind: JsonErrorKind::Size,
        });
    }
    let mut reader = Reader {
        bytes: text.as_bytes(),
        at: 0,
        nodes: Vec::with_capacity(text.len() / 24),
        open: Vec::new(),
        is_portable: true,
    };
    reader.document()?;
    Ok((reader.nodes, reader.is_portable))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    /// Indexes of the open containers, and whether each is an object.
    open: Vec<(u32, bool)>,
    is_portable: bool,
}

/// What the reader expects next.
enum Expect {
    Value,
    /// A value, or the end of an empty array.
    FirstElement,
    /// A key, or the end of an empty object.
    FirstKey,
    /// A comma or the end of the innermost container.
    CommaOrEnd,
}

/// A key's position including its quotes, and whether it contains escapes.
#[derive(Clone, Copy)]
struct Key {
    start: u32,
    end: u32,
    escaped: bool,
}

const NO_KEY: Key = Key {
    start: 0,
    end: 0,
    escaped: false,
};

impl Reader<'_> {
    fn error(&self, kind: JsonErrorKind) -> JsonError {
        let kind = if self.at >= self.bytes.len() && kind == JsonErrorKind::Unexpected {
            JsonErrorKind::End
        } else {
            kind
        };
        JsonError {
            offset: offset(self.at),
            kind,
        }
    }

    fn unexpected(&self) -> JsonError {
        self.error(JsonErrorKind::Unexpected)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn document(&mut self) -> Result<(), JsonError> {
        let mut expect = Expect::Value;
        loop {
            self.skip_space();
            let byte = self.peek().ok_or_else(|| self.unexpected())?;
            expect = match (expect, byte) {
                (Expect::FirstElement, b']')
                | (Expect::FirstKey, b'}')
                | (Expect::CommaOrEnd, b'}' | b']') => self.close(byte)?,
                (Expect::FirstKey, _) => self.member()?,
                (Expect::Value | Expect::FirstElement, _) => self.value(byte, NO_KEY)?,
                (Expect::CommaOrEnd, b',') => {
                    self.at += 1;
                    if self.in_object() {
                        self.skip_space();
                        self.member()?
                    } else {
                        Expect::Value
                    }
                }
                _ => return Err(self.unexpected()),
            };
            if self.open.is_empty() {
                return Ok(());
            }
        }
    }

    /// A key and at least the beginning of its value.
    fn member(&mut self) -> Result<Expect, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected());
        }
        let key = self.key()?;
        self.skip_space();
        let byte = self.peek().ok_or_else(|| self.unexpected())?;
        self.value(byte, key)
    }

    fn in_object(&self) -> bool {
        self.open.last().is_some_and(|(_, object)| *object)
    }

    fn key(&mut self) -> Result<Key, JsonError> {
        let start = self.at;
        let escaped = self.string()?;
        let key = Key {
            start: offset(start),
            end: offset(self.at),
            escaped,
        };
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.unexpected());
        }
        self.at += 1;
        Ok(key)
    }

    fn value(&mut self, byte: u8, key: Key) -> Result<Expect, JsonError> {
        if self.nodes.len() >= NODES_MAX {
            return Err(self.error(JsonErrorKind::Nodes));
        }
        let start = offset(self.at);
        let index = offset(self.nodes.len());
        if matches!(byte, b'{' | b'[') {
            if self.open.len() >= DEPTH_MAX {
                return Err(self.error(JsonErrorKind::Depth));
            }
            self.at += 1;
            let object = byte == b'{';
            self.open.push((index, object));
            // End and next are set when the container is closed.
            let kind = if object {
                JsonType::Object
            } else {
                JsonType::Array
            };
            self.push(kind, false, start, key);
            return Ok(if object {
                Expect::FirstKey
            } else {
                Expect::FirstElement
            });
        }
        let mut escaped = false;
        let kind = match byte {
            b'"' => {
                escaped = self.string()?;
                JsonType::String
            }
            b't' => self.word(b"true", JsonType::Bool)?,
            b'f' => self.word(b"false", JsonType::Bool)?,
            b'n' => self.word(b"null", JsonType::Null)?,
            _ => {
                self.number()?;
                JsonType::Number
            }
        };
        self.push(kind, escaped, start, key);
        Ok(Expect::CommaOrEnd)
    }

    fn push(&mut self, kind: JsonType, escaped: bool, start: u32, key: Key) {
        self.nodes.push(Node {
            kind,
            escaped,
            key_escaped: key.escaped,
            start,
            end: offset(self.at),
            key_start: key.start,
            key_end: key.end,
            next: offset(self.nodes.len() + 1),
        });
    }

    fn close(&mut self, byte: u8) -> Result<Expect, JsonError> {
        let wanted = if self.in_object() { b'}' } else { b']' };
        if byte != wanted {
            return Err(self.unexpected());
        }
        self.at += 1;
        let (end, next) = (offset(self.at), offset(self.nodes.len()));
        if let Some(node) = self
            .open
            .pop()
            .and_then(|(index, _)| self.nodes.get_mut(index as usize))
        {
            node.end = end;
            node.next = next;
        }
        Ok(Expect::CommaOrEnd)
    }

    fn word(&mut self, word: &[u8], kind: JsonType) -> Result<JsonType, JsonError> {
        for expected in word {
            if self.peek() != Some(*expected) {
                return Err(self.unexpected());
            }
            self.at += 1;
        }
        Ok(kind)
    }

    /// Skips a string; returns whether it contains escapes.
    fn string(&mut self) -> Result<bool, JsonError> {
        self.at += 1;
        let mut escaped = false;
        loop {
            let rest = self.rest();
            self.at += byte_search::position(rest, no_plain_text).unwrap_or(rest.len());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    self.at += 1;
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(self.unexpected()),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                self.is_portable &= !self.rest().starts_with(b"0000");
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(self.unexpected());
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.unexpected()),
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected());
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        self.number_token()?;
        // Only a long number can be too large, or one with an exponent, which contains a letter.
        let number = self.bytes.get(start..self.at).unwrap_or_default();
        if number.len() > SMALL_NUMBER_DIGITS || number.iter().any(u8::is_ascii_alphabetic) {
            self.is_portable &= fits_a_float(number);
        }
        Ok(())
    }

    fn number_token(&mut self) -> Result<(), JsonError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }
}

/// Marks quotes, backslashes and control characters; see [`byte_search`].
fn no_plain_text(word: u64) -> u64 {
    byte_search::below(word, 0x20)
        | byte_search::equal(word, b'"')
        | byte_search::equal(word, b'\\')
}

/// Offsets fit: texts longer than [`BYTES_MAX`] are refused.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
