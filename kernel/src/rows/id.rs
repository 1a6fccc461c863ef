//! Identifiers: 26-character ids of the protocol and our own dense increasing numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The alphabet of generated ids (base 32 of the reference).
const ALPHABET: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";

/// Bytes of an id.
pub const ID_BYTES: usize = 26;

/// An id of the protocol: exactly 26 ASCII letters or digits.
///
/// The reference also accepts letters beyond ASCII; no server creates such ids, and the set of letters
/// changes with the Unicode version, so they are refused here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; ID_BYTES]);

impl Id {
    /// Parses an id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Id> {
        Id::parse_bytes(text.as_bytes())
    }

    /// Parses the bytes of an id.
    fn parse_bytes(bytes: &[u8]) -> Option<Id> {
        let bytes: [u8; ID_BYTES] = bytes.try_into().ok()?;
        // Without an early exit the loop processes several bytes at once.
        let is_id = |all, byte: &u8| all & byte.is_ascii_alphanumeric();
        bytes.iter().fold(true, is_id).then_some(Id(bytes))
    }

    /// The id of 16 bytes, as the reference renders a UUID.
    #[must_use]
    pub fn from_uuid_bytes(uuid: [u8; 16]) -> Id {
        let mut out = [b'y'; ID_BYTES];
        let (mut buffer, mut bits, mut input) = (0u32, 0u32, uuid.into_iter());
        for slot in &mut out {
            if bits < 5 {
                buffer = (buffer << 8) | u32::from(input.next().unwrap_or(0));
                bits += 8;
            }
            bits -= 5;
            let digit = (buffer >> bits) & 31;
            buffer &= (1 << bits) - 1;
            *slot = ALPHABET.get(digit as usize).copied().unwrap_or(b'y');
        }
        Id(out)
    }

    /// The text of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The bytes of the id's text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; ID_BYTES] {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
        // Texts and bytes have the same encoding in rows; deserialising bytes skips the UTF-8 check, which an
        // id does not need.
        deserializer.deserialize_bytes(IdVisitor)
    }
}

struct IdVisitor;

impl serde::de::Visitor<'_> for IdVisitor {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Id, E> {
        Id::parse_bytes(bytes).ok_or_else(|| E::custom("not an id"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Id, E> {
        self.visit_bytes(text.as_bytes())
    }
}

impl From<Id> for String {
    fn from(id: Id) -> String {
        id.as_str().to_string()
    }
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u64);
    )*};
}

numbers! {
    /// Number of a user.
    UserNo,
    /// Number of a team.
    TeamNo,
    /// Number of a channel.
    ChannelNo,
    /// Number of a post; increases in the order in which this workspace stored the posts.
    PostNo,
    /// Local number of a peer workspace; 0 is ours.
    WorkspaceNo,
    /// Number of a connection.
    ConnectionNo,
    /// Number of a file; increases in the order in which this workspace registered the files.
    FileNo,
    /// Number of a custom emoji.
    EmojiNo,
    /// Sequence number of the change feed; one counter for the whole workspace.
    FeedSeq,
}

impl WorkspaceNo {
    /// Our own workspace.
    pub const OURS: WorkspaceNo = WorkspaceNo(0);

    /// Whether this is our own workspace.
    #[must_use]
    pub fn is_ours(self) -> bool {
        self == WorkspaceNo::OURS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_uuid_bytes_are_those_of_the_reference() {
        let uuid = *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
        assert_eq!(
            Id::from_uuid_bytes(uuid).as_str(),
            "yye1rc4rkiu8xnr3ik7h3zxq9h"
        );
    }

    #[test]
    fn only_26_letters_or_digits_are_an_id() {
        assert!(Id::parse("yye1rc4rkiu8xnr3ik7h3zxq9h").is_some());
        assert!(Id::parse("YYE1RC4RKIU8XNR3IK7H3ZXQ9H").is_some());
        assert!(Id::parse("yye1rc4rkiu8xnr3ik7h3zxq9").is_none());
        assert!(Id::parse("yye1rc4rkiu8xnr3ik7h3zxq9-").is_none());
        assert!(Id::parse("").is_none());
    }
}
