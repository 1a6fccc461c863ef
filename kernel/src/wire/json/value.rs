//! Access to the values of a document.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::text::unescape;
use super::{Document, JsonError, JsonErrorKind, JsonType, KEPT_DEPTH_MAX, Node};

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
    kind: JsonType::Null,
    escaped: false,
    key_escaped: false,
    start: 0,
    end: 0,
    key_start: 0,
    key_end: 0,
    next: 0,
};

impl<'d> Value<'d> {
    pub(super) fn root_of(document: &'d Document<'d>) -> Value<'d> {
        Value { document, index: 0 }
    }

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
    pub fn kind(self) -> JsonType {
        self.node().kind
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.kind() == JsonType::Null
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
            if matches!(node.kind, JsonType::Array | JsonType::Object) {
                open.push(node.next);
                height = height.max(open.len());
            }
        }
        height
    }

    /// Members of an object or elements of an array; nothing for other values.
    pub fn children(self) -> impl Iterator<Item = Value<'d>> {
        let node = self.node();
        let inside = matches!(node.kind, JsonType::Array | JsonType::Object);
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
    pub(in crate::wire) fn find<const S: usize, const G: usize>(
        self,
        scalars: [&str; S],
        others: [&str; G],
    ) -> ([Option<Value<'d>>; S], [Option<Value<'d>>; G]) {
        let mut found = ([None; S], [None; G]);
        if self.kind() != JsonType::Object {
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
    pub(in crate::wire) fn as_list(self) -> Result<Vec<Value<'d>>, JsonError> {
        match self.kind() {
            JsonType::Null => Ok(Vec::new()),
            JsonType::Array => Ok(self.children().collect()),
            _ => Err(self.wrong("an array")),
        }
    }

    /// Text; `""` for `null`.
    pub fn as_text(self) -> Result<Cow<'d, str>, JsonError> {
        let node = self.node();
        match node.kind {
            JsonType::Null => Ok(Cow::Borrowed("")),
            JsonType::String => {
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
            JsonType::Null => Ok(0),
            JsonType::Number => self
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
            JsonType::Null => Ok(false),
            JsonType::Bool => Ok(self.slice(node.start, node.end) == "true"),
            _ => Err(self.wrong("true or false")),
        }
    }

    /// The value itself if it is an object.
    pub fn as_object(self) -> Result<Value<'d>, JsonError> {
        if self.kind() == JsonType::Object {
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
