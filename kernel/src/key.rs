//! Keys of rows: fixed-width big-endian numbers first, so that hot keys rise; a text may only
//! stand last.

use crate::id::{
    ChannelNo, ConnectionNo, FeedSeq, ID_BYTES, Id, PostNo, TeamNo, UserNo, WorkspaceNo,
};

/// A part of a key.
pub trait KeyPart: Sized {
    /// Appends the part in memcmp order.
    fn put(&self, out: &mut Vec<u8>);
    /// Takes the part off the front of `bytes`.
    fn take(bytes: &mut &[u8]) -> Option<Self>;
}

impl KeyPart for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }
    fn take(bytes: &mut &[u8]) -> Option<u64> {
        let (head, rest) = bytes.split_first_chunk::<8>()?;
        *bytes = rest;
        Some(u64::from_be_bytes(*head))
    }
}

impl KeyPart for u32 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }
    fn take(bytes: &mut &[u8]) -> Option<u32> {
        let (head, rest) = bytes.split_first_chunk::<4>()?;
        *bytes = rest;
        Some(u32::from_be_bytes(*head))
    }
}

impl KeyPart for i64 {
    fn put(&self, out: &mut Vec<u8>) {
        // The sign bit is flipped so that negative times sort before positive ones.
        (self.cast_unsigned() ^ (1 << 63)).put(out);
    }
    fn take(bytes: &mut &[u8]) -> Option<i64> {
        Some((u64::take(bytes)? ^ (1 << 63)).cast_signed())
    }
}

impl KeyPart for u8 {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }
    fn take(bytes: &mut &[u8]) -> Option<u8> {
        let (head, rest) = bytes.split_first()?;
        *bytes = rest;
        Some(*head)
    }
}

impl KeyPart for Id {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
    fn take(bytes: &mut &[u8]) -> Option<Id> {
        let (head, rest) = bytes.split_at_checked(ID_BYTES)?;
        *bytes = rest;
        Id::parse(std::str::from_utf8(head).ok()?)
    }
}

/// The empty prefix: all of a table.
impl KeyPart for () {
    fn put(&self, _out: &mut Vec<u8>) {}
    fn take(_bytes: &mut &[u8]) -> Option<()> {
        Some(())
    }
}

/// A text takes the rest of the key, so it can only be the last part.
impl KeyPart for String {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
    fn take(bytes: &mut &[u8]) -> Option<String> {
        let text = std::str::from_utf8(bytes).ok()?.to_string();
        *bytes = &[];
        Some(text)
    }
}

macro_rules! number_parts {
    ($($name:ident),*) => {$(
        impl KeyPart for $name {
            fn put(&self, out: &mut Vec<u8>) {
                self.0.put(out);
            }
            fn take(bytes: &mut &[u8]) -> Option<$name> {
                u64::take(bytes).map($name)
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
    FeedSeq
);

macro_rules! tuple_parts {
    ($($name:ident $index:tt),*) => {
        impl<$($name: KeyPart),*> KeyPart for ($($name,)*) {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$index.put(out);)*
            }
            fn take(bytes: &mut &[u8]) -> Option<Self> {
                Some(($($name::take(bytes)?,)*))
            }
        }
    };
}
tuple_parts!(A 0, B 1);
tuple_parts!(A 0, B 1, C 2);
tuple_parts!(A 0, B 1, C 2, D 3);

/// Bytes of an ordinary key, one with an id in it too; what is longer grows.
const KEY_BYTES: usize = 40;

/// The bytes of a key.
#[must_use]
pub fn encode<K: KeyPart>(key: &K) -> Vec<u8> {
    let mut out = Vec::with_capacity(KEY_BYTES);
    key.put(&mut out);
    out
}

/// The key of `bytes`, if they are one and nothing is left over.
#[must_use]
pub fn decode<K: KeyPart>(mut bytes: &[u8]) -> Option<K> {
    let key = K::take(&mut bytes)?;
    bytes.is_empty().then_some(key)
}

/// The first key that does not start with `prefix`; `None` when every byte is 255.
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
