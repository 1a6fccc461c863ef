//! Masks JSON in place: length and structure are kept, only the contents of strings and the digits
//! of numbers change. The kernel's reader still accepts what it accepted, and refuses what it refused
//! at the same byte.

mod string;

use causeway_kernel::boundary::texts::Text;
use causeway_kernel::wire::json::{DEPTH_MAX, NODES_MAX};

use super::keys::{Shape, is_known_key, of_key};
use super::{Mask, text};

impl Mask {
    /// Masks bytes that should be JSON of a shape.
    pub(super) fn json(&self, bytes: &[u8], shape: Shape) -> Vec<u8> {
        let mut walk = Walk {
            mask: self,
            bytes,
            out: Vec::with_capacity(bytes.len()),
            at: 0,
            nodes: 0,
            open: Vec::new(),
        };
        // Only the position matters at which it ends.
        let _ = walk.document(shape);
        let (mut out, mut rest) = (walk.out, bytes.get(walk.at..).unwrap_or_default());
        // The invalid byte, or the one that ends a number, is kept; the reader never reads past it.
        if let Some((last, behind)) = rest.split_first()
            && last.is_ascii()
        {
            out.push(*last);
            rest = behind;
        }
        out.extend(self.plain(rest));
        out
    }

    /// Masks bytes as text, which may contain invalid UTF-8.
    fn plain(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            out.extend_from_slice(self.text(chunk.valid()).as_bytes());
            out.extend_from_slice(chunk.invalid());
        }
        out
    }

    /// Masks the key of a member of a shape.
    pub(super) fn key(&self, key: &str, parent: Shape) -> String {
        match parent {
            Shape::Users => self.of_class(Text::Id, key),
            Shape::Mentions => self.text(key),
            _ => text::away(key, is_known_key, |key| self.text(key)),
        }
    }
}

/// The shape of a member of a value; a key of `None` = an element of a list.
fn inside(parent: Shape, key: Option<&str>) -> Shape {
    match (parent, key) {
        (Shape::Message, Some(key)) => of_key(key).unwrap_or(Shape::Opaque),
        (Shape::Priority, Some(key)) => match of_key(key) {
            Some(Shape::Priority) => Shape::Text(Text::Token),
            shape => shape.unwrap_or(Shape::Opaque),
        },
        (Shape::Users, Some(_)) => Shape::Message,
        (Shape::Mentions, Some(_)) => Shape::Text(Text::Id),
        (Shape::Message | Shape::Text(_), None) => parent,
        _ => Shape::Opaque,
    }
}

/// A pass over the bytes, in the same steps as the kernel's reader. Everything before `at` is already
/// in `out`.
struct Walk<'m, 'b> {
    mask: &'m Mask,
    bytes: &'b [u8],
    out: Vec<u8>,
    at: usize,
    nodes: usize,
    /// Open containers: whether each is an object, and its shape.
    open: Vec<(bool, Shape)>,
}

/// The next byte is not allowed, or the text ends.
struct Wrong;

type Step<T> = Result<T, Wrong>;

/// What comes next.
enum Expect {
    Value(Shape),
    /// A value, or the end of an empty array.
    FirstElement(Shape),
    /// A key, or the end of an empty object.
    FirstKey,
    Key,
    CommaOrEnd,
}

impl Walk<'_, '_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Copies a byte.
    fn keep(&mut self, byte: u8) {
        self.out.push(byte);
        self.at += 1;
    }

    fn skip_space(&mut self) {
        while let Some(byte @ (b' ' | b'\t' | b'\n' | b'\r')) = self.peek() {
            self.keep(byte);
        }
    }

    fn document(&mut self, shape: Shape) -> Step<()> {
        let mut expect = Expect::Value(shape);
        loop {
            self.skip_space();
            let byte = self.peek().ok_or(Wrong)?;
            expect = match (expect, byte) {
                (Expect::FirstElement(_), b']') | (Expect::FirstKey, b'}') => self.close(byte)?,
                (Expect::FirstKey | Expect::Key, b'"') => Expect::Value(self.member()?),
                (Expect::Value(shape) | Expect::FirstElement(shape), _) => {
                    self.value(byte, shape)?
                }
                (Expect::CommaOrEnd, b',') => {
                    self.keep(byte);
                    match self.open.last() {
                        Some((false, shape)) => Expect::Value(inside(*shape, None)),
                        _ => Expect::Key,
                    }
                }
                (Expect::CommaOrEnd, b'}' | b']') => self.close(byte)?,
                _ => return Err(Wrong),
            };
            if self.open.is_empty() {
                return Ok(());
            }
        }
    }

    /// Handles a key and its colon; returns the shape of the value.
    fn member(&mut self) -> Step<Shape> {
        let parent = self.open.last().map_or(Shape::Opaque, |(_, shape)| *shape);
        let mask = self.mask;
        let mut shape = Shape::Opaque;
        self.string(|key| {
            shape = inside(parent, Some(key));
            mask.key(key, parent)
        })?;
        self.skip_space();
        match self.peek() {
            Some(byte @ b':') => self.keep(byte),
            _ => return Err(Wrong),
        }
        Ok(shape)
    }

    fn value(&mut self, byte: u8, shape: Shape) -> Step<Expect> {
        if self.nodes >= NODES_MAX {
            return Err(Wrong);
        }
        if matches!(byte, b'{' | b'[') {
            if self.open.len() >= DEPTH_MAX {
                return Err(Wrong);
            }
            self.nodes += 1;
            self.keep(byte);
            return Ok(if byte == b'{' {
                self.open.push((true, shape_of_object(shape)));
                Expect::FirstKey
            } else {
                self.open.push((false, shape));
                Expect::FirstElement(inside(shape, None))
            });
        }
        let mask = self.mask;
        match byte {
            b'"' => {
                let kind = match shape {
                    Shape::Text(kind) => kind,
                    _ => Text::Words,
                };
                self.string(|text| mask.of_class(kind, text))?;
            }
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'n' => self.word(b"null")?,
            _ => self.number(shape)?,
        }
        self.nodes += 1;
        Ok(Expect::CommaOrEnd)
    }

    fn close(&mut self, byte: u8) -> Step<Expect> {
        let is_object = self.open.last().is_some_and(|(is_object, _)| *is_object);
        if byte != if is_object { b'}' } else { b']' } {
            return Err(Wrong);
        }
        self.open.pop();
        self.keep(byte);
        Ok(Expect::CommaOrEnd)
    }

    fn word(&mut self, word: &[u8]) -> Step<()> {
        for expected in word {
            if self.peek() != Some(*expected) {
                return Err(Wrong);
            }
            self.keep(*expected);
        }
        Ok(())
    }

    /// Handles a string: replaces its text with the result of `masked`. An unterminated string is
    /// masked up to its end.
    fn string(&mut self, masked: impl FnOnce(&str) -> String) -> Step<()> {
        self.keep(b'"');
        let start = self.at;
        let ended = self.string_end();
        let inside = self.bytes.get(start..self.at).unwrap_or_default();
        self.out.extend(string::replace(inside, masked));
        ended?;
        self.keep(b'"');
        Ok(())
    }

    /// Moves to the quote that ends the string, or to a byte that is not allowed in one.
    fn string_end(&mut self) -> Step<()> {
        loop {
            match self.peek() {
                Some(b'"') => return Ok(()),
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                None | Some(0..0x20) => return Err(Wrong),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Step<()> {
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(Wrong);
                    }
                    self.at += 1;
                }
            }
            _ => return Err(Wrong),
        }
        Ok(())
    }

    fn number(&mut self, shape: Shape) -> Step<()> {
        let start = self.at;
        let ended = self.number_end();
        let number = self.bytes.get(start..self.at).unwrap_or_default();
        if shape == Shape::Number {
            self.out.extend_from_slice(number);
        } else {
            let number = String::from_utf8_lossy(number);
            self.out.extend(self.mask.number(&number).bytes());
        }
        ended
    }

    fn number_end(&mut self) -> Step<()> {
        self.pass(b"-");
        if !self.pass(b"0") {
            self.digits()?;
        }
        if self.pass(b".") {
            self.digits()?;
        }
        if self.pass(b"eE") {
            self.pass(b"+-");
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Step<()> {
        const DIGITS: &[u8] = b"0123456789";
        if !self.pass(DIGITS) {
            return Err(Wrong);
        }
        while self.pass(DIGITS) {}
        Ok(())
    }

    /// Skips one of the given bytes, if it is next.
    fn pass(&mut self, bytes: &[u8]) -> bool {
        let found = self.peek().is_some_and(|byte| bytes.contains(&byte));
        self.at += usize::from(found);
        found
    }
}

/// The shape of an object: opaque where a text or a number is expected.
fn shape_of_object(shape: Shape) -> Shape {
    match shape {
        Shape::Text(_) | Shape::Number => Shape::Opaque,
        shape => shape,
    }
}
