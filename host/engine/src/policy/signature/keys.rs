//! Keys of signers, in the forms of RFC 8410, which OpenSSL reads and writes: a private key is PKCS#8 in PEM, a
//! public one the base64 of its SubjectPublicKeyInfo, the line between the armour of a `PUBLIC KEY`.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// What stands before the bytes of a public key in its DER form.
const PUBLIC_HEAD: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// The same for a private key.
const PRIVATE_HEAD: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the form of a public key.
    #[error(
        "not a public key: it must be the line of base64 that `causeway policy keygen` prints, or that \
         `openssl pkey -pubout` prints between the lines BEGIN and END"
    )]
    Public,
    /// Not the form of a private key.
    #[error(
        "not a private key: the file must hold PKCS#8 in PEM (BEGIN PRIVATE KEY), as `causeway policy keygen` and \
         `openssl genpkey -algorithm ed25519` write it, without a passphrase"
    )]
    Private,
    /// A key of another algorithm.
    #[error("the key is not an Ed25519 key: make one with `causeway policy keygen`")]
    Algorithm,
    /// The system has no random numbers.
    #[error("no random numbers can be had from the system, so there is no key")]
    Random,
}

/// A public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; KEY_BYTES]);

impl PublicKey {
    /// Whether a signature of these bytes was made with its private key.
    pub(super) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, self.0);
        key.verify(signed, signature).is_ok()
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<PublicKey, KeyError> {
        let der = STANDARD.decode(text).map_err(|_| KeyError::Public)?;
        // Every key in this form begins as a DER sequence.
        if der.first() != Some(&0x30) {
            return Err(KeyError::Public);
        }
        let key = der.strip_prefix(&PUBLIC_HEAD).ok_or(KeyError::Algorithm)?;
        let key = key.try_into().map_err(|_| KeyError::Public)?;
        Ok(PublicKey(key))
    }
}

impl TryFrom<String> for PublicKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<PublicKey, KeyError> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> String {
        key.to_string()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode([&PUBLIC_HEAD[..], &self.0].concat()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A private key. It has no text form of its own, so that it cannot get into a log.
pub struct PrivateKey(Ed25519KeyPair);

impl PrivateKey {
    /// Makes a key and returns it with its file, in PEM.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn generate() -> Result<(PrivateKey, Zeroizing<String>), KeyError> {
        let mut seed = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(&mut seed[..]).map_err(|_| KeyError::Random)?;
        let der = Zeroizing::new([&PRIVATE_HEAD[..], &seed[..]].concat());
        let base64 = Zeroizing::new(STANDARD.encode(&*der));
        let pem = format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", *base64);
        Ok((PrivateKey::of_seed(&seed[..])?, Zeroizing::new(pem)))
    }

    /// Reads the file of a key.
    ///
    /// # Errors
    /// If it is not a private key in PEM, or not one for Ed25519.
    pub fn of_pem(pem: &str) -> Result<PrivateKey, KeyError> {
        let inner = pem.split_once(PEM_BEGIN).map(|(_, rest)| rest);
        let inner = inner.and_then(|rest| rest.split_once(PEM_END));
        let (inner, _) = inner.ok_or(KeyError::Private)?;
        let base64: Zeroizing<String> = Zeroizing::new(inner.split_whitespace().collect());
        let der = STANDARD.decode(&*base64).map_err(|_| KeyError::Private)?;
        let der = Zeroizing::new(der);
        let seed = der.strip_prefix(&PRIVATE_HEAD).ok_or(KeyError::Algorithm)?;
        PrivateKey::of_seed(seed)
    }

    fn of_seed(seed: &[u8]) -> Result<PrivateKey, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed);
        pair.map(PrivateKey).map_err(|_| KeyError::Private)
    }

    /// Its public key.
    ///
    /// # Errors
    /// None in practice: a key has a public one.
    pub fn public(&self) -> Result<PublicKey, KeyError> {
        let bytes = self.0.public_key().as_ref();
        Ok(PublicKey(bytes.try_into().map_err(|_| KeyError::Private)?))
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> String {
        STANDARD.encode(self.0.sign(bytes).as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key that OpenSSL wrote, and its public key.
    const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n\
        -----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";

    fn refused(pem: &str) -> KeyError {
        PrivateKey::of_pem(pem).err().unwrap()
    }

    #[test]
    fn keys_are_read_as_openssl_writes_them() {
        let key = PrivateKey::of_pem(PEM).unwrap();
        assert_eq!(key.public().unwrap().to_string(), PUBLIC);
        assert_eq!(PUBLIC.parse(), key.public());
    }

    #[test]
    fn what_is_generated_is_read_again_and_is_new_each_time() {
        let (one, pem) = PrivateKey::generate().unwrap();
        let again = PrivateKey::of_pem(&pem).unwrap();
        assert_eq!(again.public(), one.public());
        let (two, _) = PrivateKey::generate().unwrap();
        assert_ne!(one.public(), two.public());
        assert!(
            one.public()
                .unwrap()
                .verifies(b"x", &STANDARD.decode(one.sign(b"x")).unwrap())
        );
    }

    #[test]
    fn keys_of_other_kinds_are_refused_and_named() {
        let x25519 = PEM.replace("K2VwBCIE", "K2VuBCIE");
        assert_eq!(refused(&x25519), KeyError::Algorithm);
        let other = PUBLIC.replace("K2VwAyEA", "K2VuAyEA");
        assert_eq!(other.parse::<PublicKey>(), Err(KeyError::Algorithm));
        let openssh = PEM.replace("PRIVATE KEY", "OPENSSH PRIVATE KEY");
        let encrypted = PEM.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        for text in [
            "",
            PUBLIC,
            &openssh,
            &encrypted,
            &PEM.replace("MC4C", "****"),
        ] {
            assert_eq!(refused(text), KeyError::Private, "{text}");
        }
        let short = &PUBLIC[..56];
        let raw = STANDARD.encode([7; 32]);
        for text in [
            "",
            "ssh-ed25519 AAAA",
            short,
            &raw,
            &format!("{PUBLIC} ann"),
        ] {
            assert_eq!(text.parse::<PublicKey>(), Err(KeyError::Public), "{text}");
        }
    }
}
