//! Values that must not be printed, logged or left in memory.

use std::fmt;

use causeway_kernel::rows::id::Id;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::VaultError;

/// A secret text: a password, a token, an invitation code. It is wiped on drop, and neither `Debug` nor
/// `Display` shows it.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(Zeroizing::new(text.into()))
    }

    /// A new token of 122 random bits in 26 characters, generated like the protocol's ids.
    ///
    /// # Errors
    /// [`VaultError::Random`] when the operating system has no randomness.
    pub fn token() -> Result<Secret, VaultError> {
        Ok(Secret::new(new_id()?.as_str()))
    }

    /// The text itself. Each caller is a place where the secret may leak.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the text is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

// Secrets are serialised for one purpose: rows of the vault. Nothing that is rendered for clients contains
// one.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

/// The SHA-256 of a token: all that is kept of tokens that others present to us. Tokens are random, so a
/// plain hash is enough.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of a token.
    #[must_use]
    pub fn of(token: &str) -> TokenDigest {
        TokenDigest(Sha256::digest(token.as_bytes()).into())
    }

    /// Whether this is the digest of `token`, in constant time.
    #[must_use]
    pub fn is_of(&self, token: &str) -> bool {
        self.0.ct_eq(&TokenDigest::of(token).0).into()
    }

    /// The bytes, for keys of the vault.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(..)")
    }
}

/// Random bytes from the operating system.
///
/// # Errors
/// [`VaultError::Random`] when it has none.
pub fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| VaultError::Random)?;
    Ok(bytes)
}

/// A random id: 16 bytes of a version-4 UUID, like the protocol's ids.
///
/// # Errors
/// [`VaultError::Random`] when the operating system has no randomness.
pub fn new_id() -> Result<Id, VaultError> {
    let mut bytes = random::<16>()?;
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    Ok(Id::from_uuid_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        let secret = Secret::new("hunter2");
        assert!(!format!("{secret:?} {:#?}", Some(&secret)).contains("hunter2"));
        let digest = TokenDigest::of("hunter2");
        assert_eq!(format!("{digest:?}"), "TokenDigest(..)");
    }

    #[test]
    fn digests_know_their_token() {
        let token = Secret::token().unwrap();
        let digest = TokenDigest::of(token.expose());
        assert!(digest.is_of(token.expose()));
        assert!(!digest.is_of(""));
        assert!(!digest.is_of(Secret::token().unwrap().expose()));
    }

    #[test]
    fn tokens_are_ids_and_differ() {
        let (a, b) = (Secret::token().unwrap(), Secret::token().unwrap());
        assert!(Id::parse(a.expose()).is_some());
        assert_ne!(a.expose(), b.expose());
    }
}
