//! Settings of policies.

use anyhow::{Context, Result, bail};
use causeway_engine::policy::{PublicKey, Trust};
use serde::Deserialize;

/// Maximum keys that are trusted.
const KEYS_MAX: usize = 64;

/// Settings of policies, as the file has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "PascalCase")]
pub struct PolicySettings {
    /// Whether every policy must be signed with a trusted key.
    pub require_signature: bool,
    /// The public keys of trusted signers.
    pub trusted_keys: Vec<String>,
}

impl PolicySettings {
    /// What they mean.
    ///
    /// # Errors
    /// Names a key that is none, or says that there are too many.
    pub fn trust(&self) -> Result<Trust> {
        if self.trusted_keys.len() > KEYS_MAX {
            bail!("PolicySettings.TrustedKeys has more than {KEYS_MAX} keys");
        }
        let keys = self.trusted_keys.iter().enumerate().map(|(at, text)| {
            let place = || format!("entry {} of PolicySettings.TrustedKeys", at + 1);
            text.trim().parse::<PublicKey>().with_context(place)
        });
        Ok(Trust {
            is_required: self.require_signature,
            keys: keys.collect::<Result<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";

    fn settings(keys: &[&str]) -> PolicySettings {
        PolicySettings {
            require_signature: true,
            trusted_keys: keys.iter().map(|key| (*key).to_string()).collect(),
        }
    }

    #[test]
    fn a_key_that_is_none_is_named_by_its_place() {
        let trust = settings(&[KEY]).trust().unwrap();
        assert!(trust.is_required);
        assert_eq!(trust.keys, [KEY.parse().unwrap()]);
        let other = KEY.replace("K2VwAyEA", "K2VuAyEA");
        for (key, why) in [
            ("ssh-ed25519 AAAA ann", "not a public key"),
            (&other, "not an Ed25519 key"),
        ] {
            let error = settings(&[KEY, key]).trust().unwrap_err();
            let error = format!("{error:#}");
            assert!(
                error.starts_with("entry 2 of PolicySettings.TrustedKeys"),
                "{error}"
            );
            assert!(error.contains(why), "{error}");
        }
        assert!(settings(&[KEY; KEYS_MAX + 1]).trust().is_err());
    }

    #[test]
    fn unknown_keys_of_the_section_are_refused() {
        assert!(toml::from_str::<PolicySettings>("RequireSignatures = true").is_err());
        let text = format!("RequireSignature = true\nTrustedKeys = [\"{KEY}\"]");
        assert_eq!(
            toml::from_str::<PolicySettings>(&text).unwrap(),
            settings(&[KEY])
        );
    }
}
