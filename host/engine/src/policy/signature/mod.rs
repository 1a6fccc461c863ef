//! Signatures of policies: what a signer states about a component, and the file that holds it.
//!
//! A signature file is text. Its first five lines are the manifest, whose bytes are what is signed; the key and the
//! signature follow, each line with a line feed:
//!
//! ```text
//! causeway policy manifest 1
//! contract causeway:policy@0.3.0
//! name content-filter
//! version 0.1.0
//! digest <BLAKE3 of the component, in hexadecimal>
//! key <public key>
//! signature <base64>
//! ```

mod keys;
mod trust;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use keys::{KeyError, PrivateKey, PublicKey};
pub use trust::{Signer, Trust};

/// Maximum bytes of a signature file; a longer one is refused.
pub const SIGNATURE_BYTES_MAX: usize = 1 << 10;

/// How every manifest begins: a signature of anything else is none of a policy.
const HEAD: &str = "causeway policy manifest 1\n";

/// What a signer states about a policy. It does not say into which slot it is loaded, or with which settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The contract that it was built for, e.g. `causeway:policy@0.3.0`.
    pub contract: String,
    /// Its name, as it describes itself.
    pub name: String,
    /// Its version, likewise.
    pub version: String,
    /// Digest of the component (BLAKE3), in hexadecimal.
    pub digest: String,
}

impl Manifest {
    /// The bytes that are signed. No field holds a line feed, so no two manifests have the same bytes.
    #[must_use]
    pub fn text(&self) -> String {
        let Manifest {
            contract,
            name,
            version,
            digest,
        } = self;
        format!("{HEAD}contract {contract}\nname {name}\nversion {version}\ndigest {digest}\n")
    }

    /// The signature file for a policy.
    ///
    /// # Errors
    /// Those of [`PrivateKey::public`].
    pub fn sign(&self, key: &PrivateKey) -> Result<String, KeyError> {
        let text = self.text();
        let (public, signature) = (key.public()?, key.sign(text.as_bytes()));
        Ok(format!("{text}key {public}\nsignature {signature}\n"))
    }
}

/// A signature file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    manifest: Manifest,
    key: PublicKey,
    bytes: Vec<u8>,
}

impl Signature {
    /// Reads a signature file; whether the signature is good is not known then.
    fn of_file(text: &str) -> Result<Signature, String> {
        if text.len() > SIGNATURE_BYTES_MAX {
            return Err(format!("it exceeds {SIGNATURE_BYTES_MAX} bytes"));
        }
        let rest = text.strip_prefix(HEAD);
        let mut rest =
            rest.ok_or_else(|| format!("it does not begin with {:?}", HEAD.trim_end()))?;
        let mut field = |label: &str| {
            let line = rest.strip_prefix(label).and_then(|it| it.strip_prefix(' '));
            let split = line.and_then(|it| it.split_once('\n'));
            let (value, others) =
                split.ok_or_else(|| format!("it has no line {label:?} in its place"))?;
            rest = others;
            Ok::<String, String>(value.to_string())
        };
        let manifest = Manifest {
            contract: field("contract")?,
            name: field("name")?,
            version: field("version")?,
            digest: field("digest")?,
        };
        let key = field("key")?.parse::<PublicKey>();
        let key = key.map_err(|error| format!("its key is {error}"))?;
        let bytes = STANDARD.decode(field("signature")?);
        let bytes = bytes.map_err(|_| "its signature is not base64".to_string())?;
        if !rest.is_empty() {
            return Err("something follows its last line".into());
        }
        Ok(Signature {
            manifest,
            key,
            bytes,
        })
    }

    fn is_good(&self) -> bool {
        let signed = self.manifest.text();
        self.key.verifies(signed.as_bytes(), &self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of `docs/writing-a-policy.md`: OpenSSL made the signature, with the key whose seed is the bytes 0
    /// to 31.
    pub(super) const FILE: &str = "causeway policy manifest 1\n\
        contract causeway:policy@0.3.0\n\
        name content-filter\n\
        version 0.1.0\n\
        digest 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n\
        key MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=\n\
        signature O8Izjl7z1+fUppaN0QN/cF2Ql3QeaRoQQtoq9rHU8utoBYR22IvO9qYA9GsrqdFOo1T2MZ86r1NNi0Kn9+gSAQ==\n";

    pub(super) const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n\
        -----END PRIVATE KEY-----\n";

    pub(super) fn manifest() -> Manifest {
        Manifest {
            contract: "causeway:policy@0.3.0".into(),
            name: "content-filter".into(),
            version: "0.1.0".into(),
            digest: "0123456789abcdef".repeat(4),
        }
    }

    #[test]
    fn a_signature_file_has_these_bytes() {
        let key = PrivateKey::of_pem(PEM).unwrap();
        assert_eq!(manifest().sign(&key).unwrap(), FILE);
        let read = Signature::of_file(FILE).unwrap();
        assert_eq!(read.manifest, manifest());
        assert!(read.is_good());
    }

    #[test]
    fn a_change_of_any_byte_is_noticed() {
        for at in 0..FILE.len() {
            let mut bytes = FILE.as_bytes().to_vec();
            bytes[at] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else {
                continue;
            };
            let is_good = Signature::of_file(&changed).is_ok_and(|it| it.is_good());
            assert!(!is_good, "byte {at}");
        }
    }

    #[test]
    fn what_is_no_signature_file_is_refused_with_the_reason() {
        let said = |text: &str| Signature::of_file(text).unwrap_err();
        assert!(said("").contains("does not begin"));
        assert!(said(&"x".repeat(SIGNATURE_BYTES_MAX + 1)).contains("exceeds"));
        assert!(said(&FILE.replace("name", "nam")).contains("no line \"name\""));
        assert!(said(&FILE.replace("\n", "\r\n")).contains("does not begin"));
        assert!(said(&FILE.replace("K2VwAyEA", "K2VuAyEA")).contains("not an Ed25519 key"));
        assert!(said(&FILE.replace("signature O", "signature *")).contains("base64"));
        assert!(said(&format!("{FILE}more")).contains("follows"));
        assert!(said(FILE.trim_end()).contains("no line \"signature\""));
    }
}
