//! A JSON reader for bytes from outside: one validating pass into a flat list of nodes, without
//! recursion, with limits; afterwards every access is a look-up.
//!
//! It reads as Go's `encoding/json` does, because that is what the peers are: keys match without
//! ASCII case, the last duplicate wins, `null` means "leave empty", unknown keys are ignored, only
//! the first value of a body counts, broken UTF-8 and lone surrogates become U+FFFD.

use std::borrow::Cow;
use std::fmt;

/// Nesting beyond this is refused; the protocol's own messages need 7 levels.
pub const DEPTH_MAX: usize = 64;

/// Values (keys not counted) of one document beyond this are refused.
pub const NODES_MAX: usize = 200_000;

/// Why bytes are not JSON that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Offset in bytes at which reading stopped.
    pub offset: u32,
    /// What is wrong there.
    pub kind: JsonErrorKind,
}

/// See [`JsonError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonErrorKind {
    /// The bytes end in the middle of a value.
    End,
    /// A byte that may not stand there.
    Unexpected,
    /// More than [`DEPTH_MAX`] levels.
    Depth,
    /// More than [`NODES_MAX`] values.
    Nodes,
    /// The value has another type than the protocol says.
    Type(&'static str),
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset;
        match self.kind {
            JsonErrorKind::End => write!(f, "the JSON ends too early, at byte {offset}"),
            JsonErrorKind::Unexpected => write!(f, "not JSON at byte {offset}"),
            JsonErrorKind::Depth => {
                write!(
                    f,
                    "the JSON is nested more than {DEPTH_MAX} levels deep at byte {offset}"
                )
            }
            JsonErrorKind::Nodes => write!(f, "the JSON holds more than {NODES_MAX} values"),
            JsonErrorKind::Type(wanted) => write!(f, "expected {wanted} at byte {offset}"),
        }
    }
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    kind: Kind,
    /// Bytes of the value's text.
    start: u32,
    end: u32,
    /// Bytes of the key's text with its quotes; empty outside objects.
    key_start: u32,
    key_end: u32,
    /// Index behind the last node inside this one.
    next: u32,
}

/// A document that was read.
#[derive(Debug)]
pub struct Document<'a> {
    bytes: &'a [u8],
    nodes: Vec<Node>,
}

impl<'a> Document<'a> {
    /// Reads the first value of `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Result<Document<'a>, JsonError> {
        let mut reader = Reader {
            bytes,
            at: 0,
            nodes: Vec::new(),
            open: Vec::new(),
        };
        reader.read()?;
        Ok(Document {
            bytes,
            nodes: reader.nodes,
        })
    }

    /// The document's value.
    #[must_use]
    pub fn root(&self) -> Value<'_> {
        Value {
            document: self,
            index: 0,
        }
    }
}

/// A value of a document.
#[derive(Clone, Copy)]
pub struct Value<'d> {
    document: &'d Document<'d>,
    index: u32,
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind())
    }
}

const NULL: Node = Node {
    kind: Kind::Null,
    start: 0,
    end: 0,
    key_start: 0,
    key_end: 0,
    next: 0,
};

impl<'d> Value<'d> {
    fn node(self) -> Node {
        self.document
            .nodes
            .get(self.index as usize)
            .copied()
            .unwrap_or(NULL)
    }

    fn slice(self, start: u32, end: u32) -> &'d [u8] {
        self.document
            .bytes
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }

    fn wrong(self, wanted: &'static str) -> JsonError {
        JsonError {
            offset: self.node().start,
            kind: JsonErrorKind::Type(wanted),
        }
    }

    /// The value's type.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// The value's text as it was sent; broken UTF-8 repaired.
    #[must_use]
    pub fn raw(self) -> Cow<'d, str> {
        let node = self.node();
        String::from_utf8_lossy(self.slice(node.start, node.end))
    }

    /// Members of an object or elements of an array; nothing for other values.
    pub fn children(self) -> impl Iterator<Item = Value<'d>> {
        let node = self.node();
        let inside = matches!(node.kind, Kind::Array | Kind::Object);
        let mut index = if inside { self.index + 1 } else { node.next };
        std::iter::from_fn(move || {
            if index >= node.next {
                return None;
            }
            let child = Value {
                document: self.document,
                index,
            };
            index = child.node().next;
            Some(child)
        })
    }

    /// The key under which this value stands in its object.
    #[must_use]
    pub fn key(self) -> Cow<'d, str> {
        let node = self.node();
        unescape(self.slice(node.key_start + 1, node.key_end.saturating_sub(1)))
    }

    fn key_is(self, key: &str) -> bool {
        let node = self.node();
        let text = self.slice(node.key_start + 1, node.key_end.saturating_sub(1));
        if text.contains(&b'\\') {
            return unescape(text).eq_ignore_ascii_case(key);
        }
        text.eq_ignore_ascii_case(key.as_bytes())
    }

    /// The member of this key; the last one that matches without ASCII case. A value that is no
    /// object has none.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Value<'d>> {
        if self.kind() != Kind::Object {
            return None;
        }
        self.children().filter(|child| child.key_is(key)).last()
    }

    /// The object's member as text; `""` when absent or `null`.
    pub fn text(self, key: &str) -> Result<Cow<'d, str>, JsonError> {
        self.get(key).map_or(Ok(Cow::Borrowed("")), Value::as_text)
    }

    /// The object's member as an integer; 0 when absent or `null`.
    pub fn integer(self, key: &str) -> Result<i64, JsonError> {
        self.get(key).map_or(Ok(0), Value::as_integer)
    }

    /// The object's member as a truth value; false when absent or `null`.
    pub fn boolean(self, key: &str) -> Result<bool, JsonError> {
        self.get(key).map_or(Ok(false), Value::as_boolean)
    }

    /// Elements of the object's member; none when absent or `null`.
    pub fn list(self, key: &str) -> Result<Vec<Value<'d>>, JsonError> {
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(value) => match value.kind() {
                Kind::Null => Ok(Vec::new()),
                Kind::Array => Ok(value.children().collect()),
                _ => Err(value.wrong("an array")),
            },
        }
    }

    /// Text; `""` for `null`.
    pub fn as_text(self) -> Result<Cow<'d, str>, JsonError> {
        let node = self.node();
        match node.kind {
            Kind::Null => Ok(Cow::Borrowed("")),
            Kind::String => Ok(unescape(
                self.slice(node.start + 1, node.end.saturating_sub(1)),
            )),
            _ => Err(self.wrong("a string")),
        }
    }

    /// A 64-bit integer; 0 for `null`. Fractions and exponents are refused, as Go does.
    pub fn as_integer(self) -> Result<i64, JsonError> {
        let node = self.node();
        match node.kind {
            Kind::Null => Ok(0),
            Kind::Number => std::str::from_utf8(self.slice(node.start, node.end))
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| self.wrong("an integer")),
            _ => Err(self.wrong("an integer")),
        }
    }

    /// A truth value; false for `null`.
    pub fn as_boolean(self) -> Result<bool, JsonError> {
        let node = self.node();
        match node.kind {
            Kind::Null => Ok(false),
            Kind::Bool => Ok(self.slice(node.start, node.end) == b"true"),
            _ => Err(self.wrong("true or false")),
        }
    }

    /// The value itself if it is an object.
    pub fn as_object(self) -> Result<Value<'d>, JsonError> {
        if self.kind() == Kind::Object {
            Ok(self)
        } else {
            Err(self.wrong("an object"))
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    /// Indexes of the containers that are open.
    open: Vec<u32>,
}

/// What the reader expects next.
enum Expect {
    Value,
    /// A value, or the end of an empty array.
    FirstElement,
    /// A key, or the end of an empty object.
    FirstKey,
    Key,
    /// A comma or the end of the innermost container.
    CommaOrEnd,
}

impl Reader<'_> {
    fn error(&self, kind: JsonErrorKind) -> JsonError {
        let kind = if self.at >= self.bytes.len() && kind == JsonErrorKind::Unexpected {
            JsonErrorKind::End
        } else {
            kind
        };
        JsonError {
            offset: u32::try_from(self.at).unwrap_or(u32::MAX),
            kind,
        }
    }

    fn unexpected(&self) -> JsonError {
        self.error(JsonErrorKind::Unexpected)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn read(&mut self) -> Result<(), JsonError> {
        let mut expect = Expect::Value;
        let mut key = (0, 0);
        loop {
            self.skip_space();
            let byte = self.peek().ok_or_else(|| self.unexpected())?;
            expect = match (expect, byte) {
                (Expect::FirstElement, b']') | (Expect::FirstKey, b'}') => self.close(byte)?,
                (Expect::FirstKey | Expect::Key, b'"') => {
                    key = self.key()?;
                    Expect::Value
                }
                (Expect::Value | Expect::FirstElement, _) => self.value(byte, key)?,
                (Expect::CommaOrEnd, b',') => {
                    self.at += 1;
                    key = (0, 0);
                    if self.in_object() {
                        Expect::Key
                    } else {
                        Expect::Value
                    }
                }
                (Expect::CommaOrEnd, b'}' | b']') => self.close(byte)?,
                _ => return Err(self.unexpected()),
            };
            if self.open.is_empty() {
                return Ok(());
            }
        }
    }

    fn in_object(&self) -> bool {
        self.open
            .last()
            .and_then(|index| self.nodes.get(*index as usize))
            .is_some_and(|node| node.kind == Kind::Object)
    }

    fn key(&mut self) -> Result<(u32, u32), JsonError> {
        let start = self.at;
        self.string()?;
        let key = (offset(start), offset(self.at));
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.unexpected());
        }
        self.at += 1;
        Ok(key)
    }

    fn value(&mut self, byte: u8, key: (u32, u32)) -> Result<Expect, JsonError> {
        if self.nodes.len() >= NODES_MAX {
            return Err(self.error(JsonErrorKind::Nodes));
        }
        let start = offset(self.at);
        let index = offset(self.nodes.len());
        let node = |kind, end| Node {
            kind,
            start,
            end,
            key_start: key.0,
            key_end: key.1,
            next: index + 1,
        };
        if matches!(byte, b'{' | b'[') {
            if self.open.len() >= DEPTH_MAX {
                return Err(self.error(JsonErrorKind::Depth));
            }
            self.at += 1;
            let object = byte == b'{';
            self.nodes
                .push(node(if object { Kind::Object } else { Kind::Array }, 0));
            self.open.push(index);
            return Ok(if object {
                Expect::FirstKey
            } else {
                Expect::FirstElement
            });
        }
        let kind = match byte {
            b'"' => {
                self.string()?;
                Kind::String
            }
            b't' => self.word(b"true", Kind::Bool)?,
            b'f' => self.word(b"false", Kind::Bool)?,
            b'n' => self.word(b"null", Kind::Null)?,
            _ => {
                self.number()?;
                Kind::Number
            }
        };
        self.nodes.push(node(kind, offset(self.at)));
        Ok(Expect::CommaOrEnd)
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
            .and_then(|index| self.nodes.get_mut(index as usize))
        {
            node.end = end;
            node.next = next;
        }
        Ok(Expect::CommaOrEnd)
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<Kind, JsonError> {
        if self
            .bytes
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word))
        {
            self.at += word.len();
            return Ok(kind);
        }
        Err(self.unexpected())
    }

    fn string(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                            self.at += 1;
                        }
                        Some(b'u') => {
                            self.at += 1;
                            for _ in 0..4 {
                                if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                                    return Err(self.unexpected());
                                }
                                self.at += 1;
                            }
                        }
                        _ => return Err(self.unexpected()),
                    }
                }
                Some(byte) if byte >= b' ' => self.at += 1,
                _ => return Err(self.unexpected()),
            }
        }
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

/// Offsets fit: bodies are limited far below 4 GiB before they come here.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The text of a validated string's inside.
fn unescape(inside: &[u8]) -> Cow<'_, str> {
    if !inside.contains(&b'\\') {
        return String::from_utf8_lossy(inside);
    }
    let mut out: Vec<u8> = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let Some((escape, tail)) = rest.split_first() else {
            break;
        };
        rest = tail;
        match escape {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let character = code_point(&mut rest);
                let mut buffer = [0; 4];
                out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
            }
            other => out.push(*other),
        }
    }
    match String::from_utf8(out) {
        Ok(text) => Cow::Owned(text),
        Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

/// Takes the four digits behind `\u`, and the second half of a surrogate pair if it follows.
fn code_point(rest: &mut &[u8]) -> char {
    let Some(first) = take_hex(rest) else {
        return char::REPLACEMENT_CHARACTER;
    };
    if (0xD800..0xDC00).contains(&first)
        && let Some(mut after) = rest.strip_prefix(b"\\u")
        && let Some(second) = take_hex(&mut after)
        && (0xDC00..0xE000).contains(&second)
    {
        *rest = after;
        let combined = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return char::from_u32(combined).unwrap_or(char::REPLACEMENT_CHARACTER);
    }
    char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn take_hex(rest: &mut &[u8]) -> Option<u32> {
    let (digits, tail) = rest.split_at_checked(4)?;
    let value = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    *rest = tail;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_match_without_case_and_the_last_duplicate_wins() {
        let document = Document::parse(br#"{"Id":"a","ID":"b","other":1,"id":null}"#).unwrap();
        assert!(document.root().get("id").unwrap().is_null());
        let document = Document::parse(br#"{"Id":"a","\u0049D":"b"} trailing"#).unwrap();
        assert_eq!(document.root().text("id").unwrap(), "b");
    }

    #[test]
    fn null_leaves_a_scalar_empty_and_a_wrong_type_is_an_error() {
        let document = Document::parse(br#"{"s":null,"n":null,"l":null,"x":1.5,"t":7}"#).unwrap();
        let root = document.root();
        assert_eq!(root.text("s").unwrap(), "");
        assert_eq!(root.integer("n").unwrap(), 0);
        assert!(root.list("l").unwrap().is_empty());
        assert!(root.integer("x").is_err());
        assert!(root.text("t").is_err());
    }

    #[test]
    fn surrogates_and_broken_utf8_are_repaired() {
        let document = Document::parse(b"[\"\\ud83d\\ude00\\ud83d x\\n\xff\"]").unwrap();
        let text = document
            .root()
            .children()
            .next()
            .unwrap()
            .as_text()
            .unwrap();
        assert_eq!(text, "\u{1F600}\u{FFFD} x\n\u{FFFD}");
    }

    #[test]
    fn deep_nesting_is_refused_without_recursion() {
        let deep = vec![b'['; 100_000];
        let error = Document::parse(&deep).unwrap_err();
        assert_eq!(error.kind, JsonErrorKind::Depth);
        assert!(Document::parse(&[b'[', b']']).is_ok());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Document::parse(&bytes);
        }

        #[test]
        fn validity_is_that_of_serde_json(text in r#"[\[\]{}",:0-9a-z\\\-\.eEtrufalsn ]{0,40}"#) {
            let ours = Document::parse(text.as_bytes());
            let mut stream = serde_json::Deserializer::from_str(&text)
                .into_iter::<&serde_json::value::RawValue>();
            let theirs = matches!(stream.next(), Some(Ok(_)));
            // A number directly followed by letters is one value and trailing bytes to us.
            if theirs {
                prop_assert!(ours.is_ok());
            }
        }
    }
}
