//! The vault: secrets that are stored next to the journal and never enter it.
//!
//! It holds password hashes, sessions, access tokens, the addresses from which accounts were used, the tokens of connections, and
//! the integrations that people set up. The kernel knows none of them; rows are related by user number and by
//! `remote_id`.
//!
//! Order across the two: a creation goes into the vault first and into a step second; a deletion goes through
//! a step first and out of the vault second. A crash between the two therefore leaves at most a vault row
//! that no row of the workspace refers to; such orphans are swept when the service starts.
//!
//! Tokens that others present to us are kept as digests, except the ids of webhooks, which those who manage them can
//! read at any time. Those that we present must be readable; they are protected by the file's permissions, as an
//! encryption key would be stored next to them.
//!
//! Reads are done in place: they take microseconds. Writes wait for the disk and run on the blocking pool; so
//! do key derivations, and only a few at a time.

mod access_token;
mod asker;
mod derive;
mod integration;
mod known;
mod link;
mod password;
mod password_hash;
mod secret;
mod session;
mod store;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use access_token::{ACCESS_TOKENS_MAX, AccessToken};
pub use asker::{
    Asker, DERIVATIONS_PER_ACCOUNT_MAX, DERIVATIONS_PER_ADDRESS_MAX, Source, Standing,
};
pub use derive::Derivations;
pub use integration::{COMMANDS_MAX, HOOKS_MAX, IncomingHook, Integration, NotSaved, SlashCommand};
pub use link::{InForce, LinkSecrets, NextTokens};
pub use password::{PASSWORD_BYTES_MAX, PreparedPassword, Verified};
pub use password_hash::PasswordCost;
pub use secret::{Secret, TokenDigest, new_id, random};
pub use session::{LoginSession, NewSession, SESSIONS_PER_USER_MAX};
pub use store::{Change, FileStore, Row, SecretStore};

/// Name of the vault's file in the data directory.
pub const VAULT_FILE: &str = "vault.redb";

/// Version byte in front of every row.
const ROW_VERSION: u8 = 1;

/// Rows that a sweep reads at once.
const SWEEP_ROWS_MAX: usize = 256;

/// First byte of a key: the kind of the row.
mod kind {
    pub const PASSWORD: u8 = b'p';
    pub const PREPARED_PASSWORD: u8 = b'q';
    pub const SESSION: u8 = b's';
    pub const USER_SESSION: u8 = b'u';
    pub const LINK: u8 = b'l';
    pub const KNOWN_ADDRESS: u8 = b'a';
    pub const INCOMING_HOOK: u8 = b'h';
    pub const SLASH_COMMAND: u8 = b'c';
    pub const INTEGRATION_KEY: u8 = b'k';
    pub const ACCESS_TOKEN: u8 = b't';
}

/// Why a vault operation failed.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The store failed; the text contains no secret.
    #[error("the vault cannot be used: {0}")]
    Store(String),
    /// A row is damaged, or of a version that this service does not know.
    #[error("a row of the vault cannot be read")]
    Row,
    /// The operating system has no randomness.
    #[error("the operating system has no randomness")]
    Random,
    /// Too many passwords are being checked already; try again.
    #[error("too many passwords are being checked, try again")]
    Busy,
    /// Too many passwords are being checked already for this account or address; try again.
    #[error("too many passwords are being checked for this account or address, try again")]
    TooManyOfOne,
    /// The password is empty or too long.
    #[error("the password is empty or longer than {PASSWORD_BYTES_MAX} bytes")]
    Password,
    /// A background task ended early: the service is stopping.
    #[error("the service is stopping")]
    Stopped,
}

impl VaultError {
    fn store(error: impl std::fmt::Display) -> VaultError {
        VaultError::Store(error.to_string())
    }
}

/// The vault. A handle; clones share the same vault.
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Inner>,
}

struct Inner {
    store: Box<dyn SecretStore>,
    /// Held from the first read of a change to its commit.
    writer: Mutex<()>,
    derivations: Derivations,
    cost: PasswordCost,
}

impl Vault {
    /// Opens the vault of a data directory, or creates it.
    ///
    /// # Errors
    /// [`VaultError::Store`] when the file cannot be opened.
    pub fn open(data_dir: &Path) -> Result<Vault, VaultError> {
        let store = FileStore::open(&data_dir.join(VAULT_FILE))?;
        Ok(Vault::with_store(Box::new(store), PasswordCost::default()))
    }

    /// A vault over another store, or with another password cost.
    #[must_use]
    pub fn with_store(store: Box<dyn SecretStore>, cost: PasswordCost) -> Vault {
        Vault {
            inner: Arc::new(Inner {
                store,
                writer: Mutex::new(()),
                derivations: Derivations::new(),
                cost,
            }),
        }
    }

    /// The gate that every key derivation of the service passes.
    #[must_use]
    pub fn derivations(&self) -> &Derivations {
        &self.inner.derivations
    }

    fn read<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, VaultError> {
        read_row(self.inner.store.as_ref(), key)
    }

    /// Runs `change` exclusively and commits what it returns.
    async fn write<R, F>(&self, change: F) -> Result<R, VaultError>
    where
        R: Send + 'static,
        F: FnOnce(&dyn SecretStore) -> Result<(Vec<Change>, R), VaultError> + Send + 'static,
    {
        let vault = self.clone();
        let work = move || {
            let inner = &vault.inner;
            // A panic in a change left nothing half done: changes are committed as a whole.
            let _writer = inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let (changes, result) = change(inner.store.as_ref())?;
            if !changes.is_empty() {
                inner.store.commit(&changes)?;
            }
            Ok(result)
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| VaultError::Stopped)?
    }
}

fn key(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![kind];
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

fn encode<T: Serialize>(row: &T) -> Result<Vec<u8>, VaultError> {
    postcard::to_extend(row, vec![ROW_VERSION]).map_err(|_| VaultError::Row)
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, VaultError> {
    let (version, body) = bytes.split_first().ok_or(VaultError::Row)?;
    if *version != ROW_VERSION {
        return Err(VaultError::Row);
    }
    postcard::from_bytes(body).map_err(|_| VaultError::Row)
}

fn read_row<T: DeserializeOwned>(
    store: &dyn SecretStore,
    key: &[u8],
) -> Result<Option<T>, VaultError> {
    store.get(key)?.map(|bytes| decode(&bytes)).transpose()
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A vault whose passwords cost next to nothing.
    pub fn cheap_vault(folder: &Path) -> Vault {
        let store = FileStore::open(&folder.join(VAULT_FILE)).unwrap();
        Vault::with_store(
            Box::new(store),
            PasswordCost {
                memory_kib: 8,
                passes: 1,
                lanes: 1,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_another_version_are_an_error_not_a_guess() {
        let row = encode(&7u64).unwrap();
        assert_eq!(decode::<u64>(&row).unwrap(), 7);
        let mut newer = row;
        newer[0] = ROW_VERSION + 1;
        assert!(matches!(decode::<u64>(&newer), Err(VaultError::Row)));
        assert!(matches!(decode::<u64>(&[]), Err(VaultError::Row)));
    }
}
