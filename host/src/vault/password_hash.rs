//! Hashes of passwords as PHC strings: `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`. Those that earlier releases stored
//! are of scrypt, and are replaced when their user logs in.

use argon2::{Algorithm, Argon2, Version};
use scrypt::Scrypt;
use scrypt::password_hash::{PasswordHasher, PasswordVerifier};
use scrypt::phc::PasswordHash;

use super::VaultError;

/// The cost of a hash by argon2id.
///
/// The default is the one that OWASP recommends where memory is short: 19 MiB and two passes, some hundredth of a second
/// of one core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes; they are computed one after another.
    pub lanes: u32,
}

impl Default for PasswordCost {
    fn default() -> PasswordCost {
        PasswordCost {
            memory_kib: 19 * 1024,
            passes: 2,
            lanes: 1,
        }
    }
}

impl PasswordCost {
    fn params(self) -> Result<argon2::Params, VaultError> {
        argon2::Params::new(self.memory_kib, self.passes, self.lanes, None)
            .map_err(|_| VaultError::Row)
    }
}

/// Limits on what a stored hash may require, so that a damaged row cannot take all memory: of argon2id ...
const MEMORY_KIB_MAX: u32 = 1 << 20;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 16;
/// ... and of scrypt.
const LOG_N_MAX: u32 = 20;
const R_MAX: u32 = 32;
const P_MAX: u32 = 16;

/// Names of the algorithms in PHC strings.
const ARGON2ID: &str = "argon2id";
const SCRYPT: &str = "scrypt";

/// Bytes of a salt.
pub const SALT_BYTES: usize = 16;

/// The hash of a password.
///
/// # Errors
/// [`VaultError::Row`] for a cost that the algorithm does not have.
pub fn hash(password: &[u8], salt: &[u8], cost: PasswordCost) -> Result<String, VaultError> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.params()?);
    let hash = argon2.hash_password_with_salt(password, salt);
    hash.map(|hash| hash.to_string())
        .map_err(|_| VaultError::Row)
}

/// A hash that was stored, and asks for no more than it may.
pub struct StoredHash {
    hash: PasswordHash,
    of: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Argon2id(PasswordCost),
    Scrypt,
}

impl StoredHash {
    /// Reads a PHC string.
    ///
    /// # Errors
    /// [`VaultError::Row`] if it is none, of another algorithm, or asks for too much.
    pub fn parse(text: &str) -> Result<StoredHash, VaultError> {
        let hash = PasswordHash::new(text).map_err(|_| VaultError::Row)?;
        if hash.salt.is_none() || hash.hash.is_none() {
            return Err(VaultError::Row);
        }
        let of = match hash.algorithm.as_str() {
            ARGON2ID => Kind::Argon2id(argon2_cost(&hash)?),
            SCRYPT => {
                check_scrypt_cost(&hash)?;
                Kind::Scrypt
            }
            _ => return Err(VaultError::Row),
        };
        Ok(StoredHash { hash, of })
    }

    /// Whether a new hash would be made in another way.
    #[must_use]
    pub fn is_outdated(&self, cost: PasswordCost) -> bool {
        self.of != Kind::Argon2id(cost)
    }

    /// Whether it is the hash of a password.
    #[must_use]
    pub fn is_of(&self, password: &[u8]) -> bool {
        let verified = match self.of {
            Kind::Argon2id(_) => Argon2::default().verify_password(password, &self.hash),
            Kind::Scrypt => Scrypt::new().verify_password(password, &self.hash),
        };
        verified.is_ok()
    }
}

fn number(hash: &PasswordHash, name: &str, max: u32) -> Result<u32, VaultError> {
    let found = hash.params.get_decimal(name);
    found.filter(|it| *it <= max).ok_or(VaultError::Row)
}

fn argon2_cost(hash: &PasswordHash) -> Result<PasswordCost, VaultError> {
    let cost = PasswordCost {
        memory_kib: number(hash, "m", MEMORY_KIB_MAX)?,
        passes: number(hash, "t", PASSES_MAX)?,
        lanes: number(hash, "p", LANES_MAX)?,
    };
    let is_read = argon2::Params::try_from(hash).is_ok();
    let is_ours = is_read && hash.version == Some(Version::V0x13.into());
    is_ours.then_some(cost).ok_or(VaultError::Row)
}

fn check_scrypt_cost(hash: &PasswordHash) -> Result<(), VaultError> {
    for (name, max) in [("ln", LOG_N_MAX), ("r", R_MAX), ("p", P_MAX)] {
        number(hash, name, max)?;
    }
    let is_read = scrypt::Params::try_from(hash).is_ok();
    is_read.then_some(()).ok_or(VaultError::Row)
}
