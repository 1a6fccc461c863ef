//! Keys of rows: fixed-width big-endian numbers first, so that hot keys increase; a text may only come last.

use std::cmp::Ordering;

use crate::rows::id::{
    ChannelNo, ConnectionNo, EmojiNo, FeedSeq, FileNo, ID_BYTES, Id, PostNo, TeamNo, UserNo,
    WorkspaceNo,
};

/// A part of a key.
pub trait KeyPart: Sized {
    /// Appends the part in memcmp order.
    fn put(&self, out: &mut RowKey);
    /// Removes the part from the front of `bytes`.
    fn take(bytes: &mut &[u8]) -> Option<Self>;
    /// The part for display: a number as it is, a text in quotes.
    fn shown(&self) -> String;
}

impl KeyPart for u64 {
    fn put(&self, out: &mut RowKey) {
        out.push(&self.to_be_bytes());
    }
    fn take(bytes: &mut &[u8]) -> Option<u64> {
        let (head, rest) = bytes.split_first_chunk::<8>()?;
        *bytes = rest;
        Some(u64::from_be_bytes(*head))
    }
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl KeyPart for u32 {
    fn put(&self, out: &mut RowKey) {
        out.push(&self.to_be_bytes());
    }
    fn take(bytes: &mut &[u8]) -> Option<u32> {
        let (head, rest) = bytes.split_first_chunk::<4>()?;
        *bytes = rest;
        Some(u32::from_be_bytes(*head))
    }
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl KeyPart for i64 {
    fn put(&self, out: &mut RowKey) {
        // The sign bit is flipped so that negative times sort before positive ones.
        (self.cast_unsigned() ^ (1 << 63)).put(out);
    }
    fn take(bytes: &mut &[u8]) -> Option<i64> {
        Some((u64::take(bytes)? ^ (1 << 63)).cast_signed())
    }
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl KeyPart for u8 {
    fn put(&self, out: &mut RowKey) {
        out.push(&[*self]);
    }
    fn take(bytes: &mut &[u8]) -> Option<u8> {
        let (head, rest) = bytes.split_first()?;
        *bytes = rest;
        Some(*head)
    }
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl KeyPart for Id {
    fn put(&self, out: &mut RowKey) {
        out.push(self.as_bytes());
    }
    fn take(bytes: &mut &[u8]) -> Option<Id> {
        let (head, rest) = bytes.split_at_checked(ID_BYTES)?;
        *bytes = rest;
        Id::parse(std::str::from_utf8(head).ok()?)
    }
    fn shown(&self) -> String {
        self.to_string()
    }
}

/// The empty prefix: the whole table.
impl KeyPart for () {
    fn put(&self, _out: &mut RowKey) {}
    fn take(_bytes: &mut &[u8]) -> Option<()> {
        Some(())
    }
    fn shown(&self) -> String {
        String::new()
    }
}

/// A text takes the rest of the key, so it can only be the last part.
impl KeyPart for String {
    fn put(&self, out: &mut RowKey) {
        out.push(self.as_bytes());
    }
    fn take(bytes: &mut &[u8]) -> Option<String> {
        let text = std::str::from_utf8(bytes).ok()?.to_string();
        *bytes = &[];
        Some(text)
    }
    fn shown(&self) -> String {
        format!("{self:?}")
    }
}

macro_rules! number_parts {
    ($($name:ident),*) => {$(
        impl KeyPart for $name {
            fn put(&self, out: &mut RowKey) {
                self.0.put(out);
            }
            fn take(bytes: &mut &[u8]) -> Option<$name> {
                u64::take(bytes).map($name)
            }
            fn shown(&self) -> String {
                self.0.shown()
            }
        }
    )*};
}
number_parts!(
    UserNo,
    TeamNo,
    ChannelNo,
    PostNo,
    WorkspaceNo,
    ConnectionNo,
    FeedSeq,
    FileNo,
    EmojiNo
);

macro_rules! tuple_parts {
    ($($name:ident $index:tt),*) => {
        impl<$($name: KeyPart),*> KeyPart for ($($name,)*) {
            fn put(&self, out: &mut RowKey) {
                $(self.$index.put(out);)*
            }
            fn take(bytes: &mut &[u8]) -> Option<Self> {
                Some(($($name::take(bytes)?,)*))
            }
            fn shown(&self) -> String {
                [$(self.$index.shown()),*].join(", ")
            }
        }
    };
}
tuple_parts!(A 0, B 1);
tuple_parts!(A 0, B 1, C 2);
tuple_parts!(A 0, B 1, C 2, D 3);

/// Capacity of an inline key: enough for an ordinary key, including one with an id.
const SHORT_BYTES: usize = 40;

/// The bytes of a key. Creating an ordinary one allocates nothing, and comparing two of them takes a few
/// words and follows no pointer: every look-up of a step does both.
#[derive(Clone, Debug)]
pub struct RowKey(KeyBytes);

#[derive(Clone, Debug)]
enum KeyBytes {
    /// The bytes after its length are zero.
    Inline(u8, [u8; SHORT_BYTES]),
    Heap(Vec<u8>),
}

impl RowKey {
    /// The key of a row.
    #[must_use]
    pub fn of<K: KeyPart>(key: &K) -> RowKey {
        let mut bytes = RowKey(KeyBytes::Inline(0, [0; SHORT_BYTES]));
        key.put(&mut bytes);
        bytes
    }

    /// The key of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> RowKey {
        let mut key = RowKey(KeyBytes::Inline(0, [0; SHORT_BYTES]));
        key.push(bytes);
        key
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            KeyBytes::Inline(length, bytes) => {
                bytes.get(..usize::from(*length)).unwrap_or_default()
            }
            KeyBytes::Heap(bytes) => bytes,
        }
    }

    /// Its bytes, owned.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        match self.0 {
            KeyBytes::Heap(bytes) => bytes,
            KeyBytes::Inline(..) => self.as_bytes().to_vec(),
        }
    }

    fn push(&mut self, more: &[u8]) {
        if let KeyBytes::Heap(bytes) = &mut self.0 {
            return bytes.extend_from_slice(more);
        }
        if let KeyBytes::Inline(length, bytes) = &mut self.0 {
            let (from, to) = (usize::from(*length), usize::from(*length) + more.len());
            if let Some(free) = bytes.get_mut(from..to) {
                free.copy_from_slice(more);
                *length = u8::try_from(to).unwrap_or_default();
                return;
            }
        }
        self.0 = KeyBytes::Heap([self.as_bytes(), more].concat());
    }
}

impl Ord for RowKey {
    fn cmp(&self, other: &RowKey) -> Ordering {
        let (KeyBytes::Inline(length, a), KeyBytes::Inline(other_length, b)) = (&self.0, &other.0)
        else {
            return self.as_bytes().cmp(other.as_bytes());
        };
        for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
            let (a, b) = (u64::from_be_bytes(*a), u64::from_be_bytes(*b));
            if a != b {
                return a.cmp(&b);
            }
        }
        // Where one continues with zeros, the other ends.
        length.cmp(other_length)
    }
}

impl PartialOrd for RowKey {
    fn partial_cmp(&self, other: &RowKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for RowKey {
    fn eq(&self, other: &RowKey) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for RowKey {}

/// The bytes of a key.
#[must_use]
pub fn encode<K: KeyPart>(key: &K) -> Vec<u8> {
    RowKey::of(key).into_vec()
}

/// The key encoded by `bytes`, if valid and complete.
#[must_use]
pub fn decode<K: KeyPart>(mut bytes: &[u8]) -> Option<K> {
    let key = K::take(&mut bytes)?;
    bytes.is_empty().then_some(key)
}

/// The first key that does not start with `prefix`; `None` if every byte is 255.
#[must_use]
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        // Few values, so that keys share prefixes and contain zeros.
        prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(255)], 0..=50)
    }

    proptest! {
        #[test]
        fn keys_are_ordered_as_their_bytes(a in bytes(), cut in 0..=50_usize, b in bytes()) {
            let near = [&a[..cut.min(a.len())], b.as_slice()].concat();
            for other in [&b, &near] {
                let keys = (RowKey::from_bytes(&a), RowKey::from_bytes(other));
                prop_assert_eq!(keys.0.cmp(&keys.1), a.cmp(other));
                prop_assert_eq!(keys.0 == keys.1, a == *other);
            }
        }

        #[test]
        fn a_key_is_the_bytes_of_its_parts(number in any::<u64>(), text in ".{0,40}") {
            let key = RowKey::of(&(number, text.clone()));
            prop_assert_eq!(key.as_bytes(), [&number.to_be_bytes(), text.as_bytes()].concat());
            prop_assert_eq!(decode::<(u64, String)>(&key.into_vec()), Some((number, text)));
        }
    }
}
