//! Sealing what only this service may read although it stands in a post.
//!
//! The address behind a button, and the context that its integration gets, are secrets of the integration: they often
//! contain tokens. They are encrypted into the action's `cookie`, which clients send back and peers cannot read, so
//! nothing of them is stored elsewhere, and nothing is left behind when the post is deleted.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use causeway_kernel::rows::id::{ChannelNo, UserNo};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::vault::{VaultError, random};

const NONCE_BYTES: usize = 12;

/// Where a sealed value may be used: moved elsewhere it cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The post's channel.
    pub channel: ChannelNo,
    /// The post's author.
    pub author: UserNo,
}

impl Place {
    fn bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let (channel, author) = bytes.split_at_mut(8);
        channel.copy_from_slice(&self.channel.0.to_be_bytes());
        author.copy_from_slice(&self.author.0.to_be_bytes());
        bytes
    }
}

/// Seals and opens.
pub struct Sealer(Aes256Gcm);

impl Sealer {
    /// With a key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Sealer {
        Sealer(Aes256Gcm::new(key.into()))
    }

    /// Seals a value for a place.
    ///
    /// # Errors
    /// When the operating system has no randomness.
    pub fn seal<T: Serialize>(&self, value: &T, place: Place) -> Result<String, VaultError> {
        let nonce = random::<NONCE_BYTES>()?;
        let message = serde_json::to_vec(value).map_err(|_| VaultError::Row)?;
        let payload = Payload {
            msg: &message,
            aad: &place.bytes(),
        };
        let sealed = self.0.encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| VaultError::Row)?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens a sealed value; `None` if it was not sealed here for this place.
    #[must_use]
    pub fn open<T: DeserializeOwned>(&self, text: &str, place: Place) -> Option<T> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload {
            msg: sealed,
            aad: &place.bytes(),
        };
        let message = self.0.decrypt(&Nonce::from(*nonce), payload).ok()?;
        serde_json::from_slice(&message).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_at_its_place_only() {
        let sealer = Sealer::new(&[7; 32]);
        let place = |channel, author| Place {
            channel: ChannelNo(channel),
            author: UserNo(author),
        };
        let sealed = sealer
            .seal(&"https://ci.example/?key=secret", place(1, 2))
            .unwrap();
        assert!(!sealed.contains("secret"));
        let opened: Option<String> = sealer.open(&sealed, place(1, 2));
        assert_eq!(opened.unwrap(), "https://ci.example/?key=secret");
        for elsewhere in [place(2, 2), place(1, 1), place(2, 1)] {
            assert_eq!(sealer.open::<String>(&sealed, elsewhere), None);
        }
        let other = Sealer::new(&[8; 32]);
        assert_eq!(other.open::<String>(&sealed, place(1, 2)), None);
        for damaged in ["", "x", "????", &sealed[1..], &format!("{sealed}A")] {
            assert_eq!(sealer.open::<String>(damaged, place(1, 2)), None);
        }
    }
}
