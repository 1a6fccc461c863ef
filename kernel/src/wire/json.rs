//! A JSON reader for bytes from outside: one validating pass into a flat list of nodes, without
//! recursion, with limits; afterwards every access is a look-up.
//!
//! It reads as Go's `encoding/json` does, because that is what the peers are: keys match without
//! ASCII case, the last duplicate wins, `null` means "leave empty", unknown keys are ignored, only
//! the first value of a body counts, broken UTF-8 and lone surrogates become U+FFFD.

mod reader;
#[cfg(test)]
mod tests;
mod text;
mod value;

pub use value::Value;

use std::borrow::Cow;
use std::fmt;

use super::portable::portable;

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
pub enum JsonType {
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
    kind: JsonType,
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
        Value::root_of(self)
    }
}
