//! Response texts within a budget of bytes: rendered object by object, and abandoned as soon as they exceed
//! it, so that nothing larger is ever held.

use std::io;

use serde::Serialize;
use serde::ser::Serializer;

/// Maximum bytes of a response; a longer one is not rendered to the end, and the request is refused. Four
/// times the largest post with all its reactions.
pub const ANSWER_BYTES_MAX: usize = 8 << 20;

/// A response would be longer than [`ANSWER_BYTES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// A text of at most [`ANSWER_BYTES_MAX`] bytes.
#[derive(Debug, Default)]
pub struct BoundedText(Vec<u8>);

impl BoundedText {
    /// Appends the JSON of a view.
    ///
    /// # Errors
    /// When the text would be too long; its contents are then incomplete.
    pub fn push(&mut self, view: &(impl Serialize + ?Sized)) -> Result<(), TooLong> {
        // Views are plain data with strings as keys, so nothing but the writer fails.
        serde_json::to_writer(self, view).map_err(|_| TooLong)
    }

    /// Appends a text unchanged.
    ///
    /// # Errors
    /// As [`BoundedText::push`].
    pub fn push_str(&mut self, text: &str) -> Result<(), TooLong> {
        io::Write::write_all(self, text.as_bytes()).map_err(|_| TooLong)
    }

    /// The text.
    #[must_use]
    pub fn into_string(self) -> String {
        // Only whole texts and whole JSON values were written.
        String::from_utf8(self.0).unwrap_or_default()
    }
}

impl io::Write for BoundedText {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > ANSWER_BYTES_MAX - self.0.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A JSON array written item by item.
#[derive(Debug, Default)]
pub struct BoundedList {
    text: BoundedText,
    items: usize,
}

impl BoundedList {
    /// Appends an item.
    ///
    /// # Errors
    /// When the array would be too long.
    pub fn push(&mut self, view: &(impl Serialize + ?Sized)) -> Result<(), TooLong> {
        self.text
            .push_str(if self.items == 0 { "[" } else { "," })?;
        self.items += 1;
        self.text.push(view)
    }

    /// The array's text.
    ///
    /// # Errors
    /// When it is too long.
    pub fn finish(mut self) -> Result<String, TooLong> {
        self.text
            .push_str(if self.items == 0 { "[]" } else { "]" })?;
        Ok(self.text.into_string())
    }
}

/// The JSON text of a view that may be large.
///
/// # Errors
/// When it would be too long.
pub fn bounded(view: &(impl Serialize + ?Sized)) -> Result<String, TooLong> {
    let mut text = BoundedText::default();
    text.push(view)?;
    Ok(text.into_string())
}

/// The JSON array of the views of several items.
///
/// # Errors
/// When it would be too long.
pub fn list<'i, T: 'i, V: Serialize>(
    items: impl IntoIterator<Item = &'i T>,
    view: impl Fn(&'i T) -> V,
) -> Result<String, TooLong> {
    let mut list = BoundedList::default();
    for item in items {
        list.push(&view(item))?;
    }
    list.finish()
}

/// A JSON object whose entries are created one after another while it is written.
pub struct Entries<F>(pub F);

impl<F, I, K, V> Serialize for Entries<F>
where
    F: Fn() -> I,
    I: Iterator<Item = (K, V)>,
    K: Serialize,
    V: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map((self.0)())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_json_of_its_items_in_order() {
        let none: [u8; 0] = [];
        assert_eq!(list(&none, |n| *n).unwrap(), "[]");
        assert_eq!(list(&[1, 2, 3], |n| n * 2).unwrap(), "[2,4,6]");
        let entries = Entries(|| [("a", 1), ("b", 2)].into_iter());
        assert_eq!(bounded(&entries).unwrap(), r#"{"a":1,"b":2}"#);
    }

    #[test]
    fn an_answer_is_given_up_where_it_becomes_too_long() {
        let item = "x".repeat(ANSWER_BYTES_MAX / 4 - 10);
        assert!(list(&[&item; 4], |item| item).is_ok());
        let made = std::cell::Cell::new(0);
        let view = |item| {
            made.set(made.get() + 1);
            item
        };
        assert_eq!(list(&vec![&item; 1_000], view), Err(TooLong));
        assert_eq!(made.get(), 5, "no view is created after the end");
        assert_eq!(bounded(&"x".repeat(ANSWER_BYTES_MAX)), Err(TooLong));
    }
}
