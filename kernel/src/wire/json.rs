//! A JSON reader for bytes from outside: one validating pass into a flat list of nodes, without
//! recursion, with limits; afterwards every access is a look-up.
//!
//! It reads as Go's `encoding/json` does, because that is what the peers are: keys match without
//! ASCII case, the last duplicate wins, `null` means "leave empty", unknown keys are ignored, only
//! the first value of a body counts, broken UTF-8 and lone surrogates become U+FFFD.

mod reader;
mod text;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::portable::portable;
use text::unescape;

/// Nesting beyond this is refused; the protocol's own messages need 7 levels.
pub const DEPTH_MAX: usize = 64;

/// Nesting of an object that is kept as text (properties, time zones). Such text is sent again
/// inside a frame, whose own levels come on top and must stay below [`DEPTH_MAX`] at the receiver.
pub const KEPT_DEPTH_MAX: usize = 32;

/// Values (keys not counted) of one document beyond this are refused.
pub const NODES_MAX: usize = 200_000;

/// Bytes beyond this are refused unread, so that offsets fit; bodies are limited far below.
pub const BYTES_MAX: usize = 256 << 20;

/// Why bytes are not JSON that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Offset in bytes at which reading stopped; counted after the repair of broken UTF-8.
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
    /// More than [`BYTES_MAX`] bytes.
    Size,
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
            JsonErrorKind::Size => write!(f, "the JSON is longer than {BYTES_MAX} bytes"),
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
    /// Whether the value is a string with escapes.
    escaped: bool,
    /// Whether the key holds escapes.
    key_escaped: bool,
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
    text: Cow<'a, str>,
    nodes: Vec<Node>,
    is_portable: bool,
}

impl<'a> Document<'a> {
    /// Reads the first value of `bytes`; what follows it is ignored. Broken UTF-8 is repaired
    /// first: a replaced sequence never swallows a quote, so this is as good as string by string.
    pub fn parse(bytes: &'a [u8]) -> Result<Document<'a>, JsonError> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(bytes),
        };
        let (nodes, is_portable) = reader::read(&text)?;
        Ok(Document {
            text,
            nodes,
            is_portable,
        })
    }

    /// Reads the first value of `bytes` as [`portable`] leaves it.
    pub fn parse_portable(bytes: &'a [u8]) -> Result<Document<'a>, JsonError> {
        match Document::parse(bytes) {
            Ok(document) if document.is_portable => Ok(document),
            // Most bytes need no second look.
            _ => match portable(bytes) {
                Cow::Borrowed(bytes) => Document::parse(bytes),
                Cow::Owned(bytes) => Document::parse(&bytes).map(Document::into_owned),
            },
        }
    }

    fn into_owned(self) -> Document<'static> {
        Document {
            text: Cow::Owned(self.text.into_owned()),
            nodes: self.nodes,
            is_portable: self.is_portable,
        }
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
    escaped: false,
    key_escaped: false,
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

    fn slice(self, start: u32, end: u32) -> &'d str {
        self.document
            .text
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
        Cow::Borrowed(self.slice(node.start, node.end))
    }

    /// Where the value's text stands in the document, in bytes; counted after the repair of broken
    /// UTF-8.
    #[must_use]
    pub fn span(self) -> Range<usize> {
        let node = self.node();
        node.start as usize..node.end as usize
    }

    /// Levels of containers that this value adds: 0 for a scalar, 1 for a flat array or object.
    #[must_use]
    pub fn height(self) -> usize {
        let last = self.node().next;
        let mut open: Vec<u32> = Vec::new();
        let mut height = 0;
        for index in self.index..last {
            let node = Value { index, ..self }.node();
            while open.last().is_some_and(|end| *end <= index) {
                open.pop();
            }
            if matches!(node.kind, Kind::Array | Kind::Object) {
                open.push(node.next);
                height = height.max(open.len());
            }
        }
        height
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
        let inside = self.slice(node.key_start + 1, node.key_end.saturating_sub(1));
        if node.key_escaped {
            unescape(inside)
        } else {
            Cow::Borrowed(inside)
        }
    }

    /// The member of this key; the last one that matches without ASCII case. A value that is no
    /// object has none.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Value<'d>> {
        let ([], [found]) = self.find([], [key]);
        found
    }

    /// The last member of this key that is not `null`: Go leaves a scalar as it is for `null`.
    fn scalar(self, key: &str) -> Option<Value<'d>> {
        let ([found], []) = self.find([key], []);
        found
    }

    /// [`scalar`](Value::scalar) of some keys and [`get`](Value::get) of others in one pass.
    /// Fastest when the scalars' keys stand in the order in which peers write them.
    pub(super) fn find<const S: usize, const G: usize>(
        self,
        scalars: [&str; S],
        others: [&str; G],
    ) -> ([Option<Value<'d>>; S], [Option<Value<'d>>; G]) {
        let mut found = ([None; S], [None; G]);
        if self.kind() != Kind::Object {
            return found;
        }
        let mut next = 0;
        for member in self.children() {
            let key = member.key();
            let is_key = |wanted: &&str| is_same_key(&key, wanted);
            let at = if scalars.get(next).is_some_and(is_key) {
                Some(next)
            } else {
                scalars.iter().position(is_key)
            };
            let slot = match at {
                Some(_) if member.is_null() => continue,
                Some(at) => {
                    next = at + 1;
                    found.0.get_mut(at)
                }
                None => others
                    .iter()
                    .position(is_key)
                    .and_then(|at| found.1.get_mut(at)),
            };
            if let Some(slot) = slot {
                *slot = Some(member);
            }
        }
        found
    }

    /// The object's member as text; `""` when absent or `null`.
    pub fn text(self, key: &str) -> Result<Cow<'d, str>, JsonError> {
        self.scalar(key)
            .map_or(Ok(Cow::Borrowed("")), Value::as_text)
    }

    /// The object's member as an integer; 0 when absent or `null`.
    pub fn integer(self, key: &str) -> Result<i64, JsonError> {
        self.scalar(key).map_or(Ok(0), Value::as_integer)
    }

    /// The object's member as a truth value; false when absent or `null`.
    pub fn boolean(self, key: &str) -> Result<bool, JsonError> {
        self.scalar(key).map_or(Ok(false), Value::as_boolean)
    }

    /// Elements of the object's member; none when absent or `null`.
    pub fn list(self, key: &str) -> Result<Vec<Value<'d>>, JsonError> {
        self.get(key).map_or(Ok(Vec::new()), Value::as_list)
    }

    /// Elements; none for `null`.
    pub(super) fn as_list(self) -> Result<Vec<Value<'d>>, JsonError> {
        match self.kind() {
            Kind::Null => Ok(Vec::new()),
            Kind::Array => Ok(self.children().collect()),
            _ => Err(self.wrong("an array")),
        }
    }

    /// Text; `""` for `null`.
    pub fn as_text(self) -> Result<Cow<'d, str>, JsonError> {
        let node = self.node();
        match node.kind {
            Kind::Null => Ok(Cow::Borrowed("")),
            Kind::String => {
                let inside = self.slice(node.start + 1, node.end.saturating_sub(1));
                Ok(if node.escaped {
                    unescape(inside)
                } else {
                    Cow::Borrowed(inside)
                })
            }
            _ => Err(self.wrong("a string")),
        }
    }

    /// A 64-bit integer; 0 for `null`. Fractions and exponents are refused, as Go does.
    pub fn as_integer(self) -> Result<i64, JsonError> {
        let node = self.node();
        match node.kind {
            Kind::Null => Ok(0),
            Kind::Number => self
                .slice(node.start, node.end)
                .parse()
                .map_err(|_| self.wrong("a 64-bit integer")),
            _ => Err(self.wrong("a 64-bit integer")),
        }
    }

    /// A truth value; false for `null`.
    pub fn as_boolean(self) -> Result<bool, JsonError> {
        let node = self.node();
        match node.kind {
            Kind::Null => Ok(false),
            Kind::Bool => Ok(self.slice(node.start, node.end) == "true"),
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

    /// The value's text if it is an object that may be kept, see [`KEPT_DEPTH_MAX`].
    pub fn as_kept_object(self) -> Result<Cow<'d, str>, JsonError> {
        let object = self.as_object()?;
        if object.height() > KEPT_DEPTH_MAX {
            return Err(self.wrong("an object of at most 32 levels"));
        }
        Ok(object.raw())
    }
}

fn is_same_key(key: &str, wanted: &str) -> bool {
    // Most differ in length, and most that are the same are so to the letter.
    key.len() == wanted.len() && (key == wanted || key.eq_ignore_ascii_case(wanted))
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
    fn a_later_null_leaves_a_scalar_as_it_was() {
        let document = Document::parse(br#"{"id":"a","n":1,"b":true,"ID":null,"N":null,"B":null}"#);
        let document = document.unwrap();
        let root = document.root();
        assert_eq!(root.text("id").unwrap(), "a");
        assert_eq!(root.integer("n"), Ok(1));
        assert_eq!(root.boolean("b"), Ok(true));
    }

    #[test]
    fn integers_are_those_of_go() {
        let integer = |text: &str| {
            Document::parse(text.as_bytes())
                .unwrap()
                .root()
                .as_integer()
        };
        assert_eq!(integer("-0"), Ok(0));
        assert_eq!(integer("9223372036854775807"), Ok(i64::MAX));
        assert_eq!(integer("-9223372036854775808"), Ok(i64::MIN));
        for text in [
            "9223372036854775808",
            "1.0",
            "1e3",
            "\"1\"",
            "true",
            "[]",
            "{}",
        ] {
            assert!(integer(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_grammar_is_strict() {
        for text in [
            "",
            " ",
            "[01]",
            "-",
            "+1",
            ".5",
            "1.",
            "1e",
            "--1",
            "nul",
            "True",
            "'a'",
            "\"a",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{1:1}",
            "{\"a\" 1}",
            "[}",
            "{]",
            "[1}",
            "]",
            "}",
            ",",
            ":",
            "/**/1",
            "\u{feff}1",
        ] {
            assert!(Document::parse(text.as_bytes()).is_err(), "{text:?}");
        }
        for text in [
            " [ ] ",
            "{ }",
            "\t\r\n-0.5E+7",
            "\"\\/\u{7f}\"",
            "1 2",
            "{}garbage",
            "[]]",
        ] {
            assert!(Document::parse(text.as_bytes()).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn control_characters_stand_in_no_string() {
        for byte in 0..=0x7f {
            let text = [b'"', byte, b'"'];
            let refused = matches!(byte, 0..0x20 | b'"' | b'\\');
            // A quote ends the string; what follows is not read.
            assert_eq!(
                Document::parse(&text).is_err(),
                refused && byte != b'"',
                "{byte:#x}"
            );
        }
    }

    #[test]
    fn errors_say_where_they_are() {
        let error = |text: &str| Document::parse(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error(r#"{"a":tru}"#), "not JSON at byte 8");
        assert_eq!(error(r#"{"a":"b"#), "the JSON ends too early, at byte 7");
        let document = Document::parse(br#"{"a":"b"}"#).unwrap();
        let error = document.root().integer("a").unwrap_err().to_string();
        assert_eq!(error, "expected a 64-bit integer at byte 5");
        let many = format!("[{}0]", "0,".repeat(NODES_MAX));
        let error = Document::parse(many.as_bytes()).unwrap_err();
        assert_eq!(error.kind, JsonErrorKind::Nodes);
    }

    #[test]
    fn children_and_raw_text_are_those_that_were_sent() {
        let document = Document::parse(b" {\"a\" : [ 1,{\"b\":[]} ],\"c\":\"\xff\"} ").unwrap();
        let root = document.root();
        let children: Vec<_> = root.children().map(|child| child.raw()).collect();
        assert_eq!(children, ["[ 1,{\"b\":[]} ]", "\"\u{fffd}\""]);
        assert_eq!(root.get("A").unwrap().children().count(), 2);
        assert_eq!(root.height(), 4);
        assert!(root.get("c").unwrap().get("a").is_none());
        assert_eq!(root.get("c").unwrap().children().count(), 0);
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
        assert!(Document::parse(b"[]").is_ok());
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
