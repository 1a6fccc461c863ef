//! An event as a line carries it: text shared by its readers, and a short part for each reader.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// Overhead of a text in bytes, in the allocator and in the queues that hold it.
const TEXT_OVERHEAD_BYTES: usize = 128;

/// Bytes of all frames held, each shared text counted once.
#[derive(Clone, Debug, Default)]
pub struct HeldBytes(Arc<AtomicUsize>);

impl HeldBytes {
    /// Wraps a text, which counts until its last reader has dropped it.
    #[must_use]
    pub fn hold(&self, text: String) -> Bytes {
        let bytes = text.len() + TEXT_OVERHEAD_BYTES;
        self.0.fetch_add(bytes, Ordering::Relaxed);
        Bytes::from_owner(HeldText {
            text,
            bytes,
            held: self.clone(),
        })
    }

    /// Bytes currently held.
    #[must_use]
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

struct HeldText {
    text: String,
    bytes: usize,
    held: HeldBytes,
}

impl AsRef<[u8]> for HeldText {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl Drop for HeldText {
    fn drop(&mut self) {
        self.held.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// An event without its number: JSON text up to and including `broadcast`, without the closing
/// brace. Both parts are UTF-8.
#[derive(Clone)]
pub struct EventFrame {
    /// The part shared by all readers.
    pub shared: Bytes,
    /// The part for this reader only.
    pub own: Bytes,
}

impl EventFrame {
    /// Bytes of the text.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.shared.len() + self.own.len()
    }

    /// The end of the text: everything that is not shared.
    #[must_use]
    pub fn end(&self, number: u64) -> String {
        let own = String::from_utf8_lossy(&self.own);
        format!("{own},\"seq\":{number}}}\n")
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self, number: u64) -> String {
        let mut text = String::from_utf8_lossy(&self.shared).into_owned();
        text.push_str(&self.end(number));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_counts_once_and_as_long_as_it_is_held() {
        let held = HeldBytes::default();
        let shared = held.hold("x".repeat(1_000));
        let frames: Vec<EventFrame> = (0..10)
            .map(|_| EventFrame {
                shared: shared.clone(),
                own: Bytes::new(),
            })
            .collect();
        assert_eq!(held.get(), 1_000 + TEXT_OVERHEAD_BYTES);
        drop((shared, frames));
        assert_eq!(held.get(), 0);
    }

    #[test]
    fn the_whole_text_is_numbered_json() {
        let frame = EventFrame {
            shared: Bytes::from_static(b"{\"event\":\"x\",\"data\":{\"a\":1"),
            own: Bytes::from_static(b",\"b\":2}"),
        };
        let value: serde_json::Value = serde_json::from_str(&frame.text(7)).unwrap();
        assert_eq!(value["data"], serde_json::json!({ "a": 1, "b": 2 }));
        assert_eq!(value["seq"], 7);
        assert!(frame.text(7).ends_with('\n'));
    }
}
