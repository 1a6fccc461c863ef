//! Which signatures a workspace accepts.

use super::{Manifest, PublicKey, Signature};

/// Why a policy without a signature is refused where one is required.
const UNSIGNED: &str = "it is not signed, and this workspace takes signed policies only \
                        (PolicySettings.RequireSignature): sign it with `causeway policy sign`";

/// Which signatures of policies a workspace accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Whether every policy must be signed with one of the keys.
    pub is_required: bool,
    /// The keys.
    pub keys: Vec<PublicKey>,
}

/// Who signed a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The key.
    pub key: PublicKey,
    /// Whether the workspace trusts it.
    pub is_trusted: bool,
}

impl Trust {
    /// Whether a policy with this signature file is accepted: a bad signature never is.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub(in crate::policy) fn check(
        &self,
        file: Option<&str>,
        manifest: &Manifest,
    ) -> Result<(), String> {
        let Some(file) = file else {
            if self.is_required {
                return Err(UNSIGNED.into());
            }
            return Ok(());
        };
        let signature = Signature::of_file(file)
            .map_err(|why| format!("its signature file cannot be read: {why}; sign it again"))?;
        let signed = &signature.manifest;
        if signed != manifest {
            return Err(format!(
                "its signature is for another policy: {} {} for {} with the digest {}, and this is {} {} for {} with \
                 the digest {}; sign this one, or leave the signature out",
                signed.name,
                signed.version,
                signed.contract,
                signed.digest,
                manifest.name,
                manifest.version,
                manifest.contract,
                manifest.digest,
            ));
        }
        if !signature.is_good() {
            return Err(
                "its signature is wrong: the manifest, the key or the signature was changed after it was made; \
                 sign it again"
                    .into(),
            );
        }
        if self.is_required && !self.keys.contains(&signature.key) {
            return Err(format!(
                "it is signed with the key {}, which is not among PolicySettings.TrustedKeys",
                signature.key
            ));
        }
        Ok(())
    }

    /// Who signed a policy, as a signature file says.
    pub(in crate::policy) fn signer(&self, file: &str) -> Option<Signer> {
        let key = Signature::of_file(file).ok()?.key;
        Some(Signer {
            key,
            is_trusted: self.keys.contains(&key),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{FILE, PEM, manifest};
    use super::super::{PrivateKey, Signature};
    use super::*;

    fn trust(is_required: bool, keys: &[PublicKey]) -> Trust {
        Trust {
            is_required,
            keys: keys.to_vec(),
        }
    }

    #[test]
    fn a_required_signature_must_be_there_and_of_a_trusted_key() {
        let key = Signature::of_file(FILE).unwrap().key;
        let required = trust(true, &[key]);
        assert_eq!(required.check(Some(FILE), &manifest()), Ok(()));
        let unsigned = required.check(None, &manifest()).unwrap_err();
        assert!(unsigned.contains("not signed"), "{unsigned}");
        let other = trust(true, &[]).check(Some(FILE), &manifest());
        assert!(other.unwrap_err().contains("TrustedKeys"));
        let lax = trust(false, &[]);
        assert_eq!(lax.check(None, &manifest()), Ok(()));
        assert_eq!(lax.check(Some(FILE), &manifest()), Ok(()));
        assert!(!lax.signer(FILE).unwrap().is_trusted);
        assert!(required.signer(FILE).unwrap().is_trusted);
    }

    #[test]
    fn a_bad_signature_is_refused_also_where_none_is_required() {
        let lax = trust(false, &[]);
        let said = |file: &str, manifest: &Manifest| lax.check(Some(file), manifest).unwrap_err();
        assert!(said("garbage", &manifest()).contains("cannot be read"));
        let newer = Manifest {
            version: "0.2.0".into(),
            ..manifest()
        };
        assert!(said(FILE, &newer).contains("another policy"));
        // The manifest of the newer one with the signature of the older.
        let moved = FILE.replace("version 0.1.0", "version 0.2.0");
        assert!(said(&moved, &newer).contains("is wrong"));
        // Another key under the same signature.
        let (other, _) = PrivateKey::generate().unwrap();
        let ours = PrivateKey::of_pem(PEM).unwrap().public().unwrap();
        let theirs = other.public().unwrap().to_string();
        let swapped = FILE.replace(&ours.to_string(), &theirs);
        assert!(said(&swapped, &manifest()).contains("is wrong"));
    }
}
