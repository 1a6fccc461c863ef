//! Password hashes of local users, as PHC strings: `$scrypt$ln=15,r=8,p=3$salt$hash`.

use causeway_kernel::rows::id::{Id, UserNo};
use scrypt::Scrypt;
use scrypt::password_hash::{PasswordHasher, PasswordVerifier};
use scrypt::phc::{ALG_ID, PasswordHash};
use serde::{Deserialize, Serialize};

use super::secret::{Secret, new_id, random};
use super::session::forget_others;
use super::{Asker, SWEEP_ROWS_MAX, Vault, VaultError, decode, encode, key, kind, read_row};

/// Maximum bytes of a password; the reference accepts 72, which is where its bcrypt stops reading.
pub const PASSWORD_BYTES_MAX: usize = 72;

/// The cost of a hash: scrypt with N = 2^`log_n`.
///
/// The default, N = 2^15, r = 8, p = 3, is the smallest by memory of the equivalent settings that OWASP
/// recommends: 32 MiB and a third of a second of one core, where N = 2^17 would take 128 MiB for each login
/// on a small machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    /// Logarithm of the number of blocks.
    pub log_n: u8,
    /// Size of a block, in units of 128 bytes.
    pub r: u32,
    /// Number of repetitions.
    pub p: u32,
}

impl Default for PasswordCost {
    fn default() -> PasswordCost {
        PasswordCost {
            log_n: 15,
            r: 8,
            p: 3,
        }
    }
}

/// Limits on what a stored hash may require, so that a damaged row cannot take all memory.
const LOG_N_MAX: u8 = 20;
const R_MAX: u32 = 32;
const P_MAX: u32 = 16;

const SALT_BYTES: usize = 16;

/// A password stored for an account that does not exist yet.
#[derive(Debug)]
pub struct PreparedPassword(Id);

/// Proof that a password was an account's when it was checked. It may have been changed since.
pub struct Verified {
    hash: String,
}

#[derive(Serialize, Deserialize)]
struct PreparedRow {
    username: String,
    hash: String,
}

impl Vault {
    /// Stores the password of an account that a step is about to create. After the step,
    /// [`Vault::adopt_password`] assigns it to the account; otherwise the next start does so, or drops it.
    ///
    /// # Errors
    /// [`VaultError::Password`] for an empty or over-long one, [`VaultError::TooManyOfOne`],
    /// [`VaultError::Busy`], or those of the store.
    pub async fn prepare_password(
        &self,
        asker: &Asker,
        username: &str,
        password: &Secret,
    ) -> Result<PreparedPassword, VaultError> {
        let hash = self.hash_password(asker, password).await?;
        let handle = new_id()?;
        let row = encode(&PreparedRow {
            username: username.to_string(),
            hash,
        })?;
        let change = (
            key(kind::PREPARED_PASSWORD, &[handle.as_bytes()]),
            Some(row),
        );
        self.write(|_| Ok((vec![change], ()))).await?;
        Ok(PreparedPassword(handle))
    }

    /// Assigns a prepared password to the account that was created.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn adopt_password(
        &self,
        prepared: PreparedPassword,
        user: UserNo,
    ) -> Result<(), VaultError> {
        let from = key(kind::PREPARED_PASSWORD, &[prepared.0.as_bytes()]);
        self.write(move |store| {
            let row: PreparedRow = read_row(store, &from)?.ok_or(VaultError::Row)?;
            Ok((
                vec![(password_key(user), Some(encode(&row.hash)?)), (from, None)],
                (),
            ))
        })
        .await
    }

    /// Drops a prepared password because the step refused the account.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn discard_password(&self, prepared: PreparedPassword) -> Result<(), VaultError> {
        let from = key(kind::PREPARED_PASSWORD, &[prepared.0.as_bytes()]);
        self.write(|_| Ok((vec![(from, None)], ()))).await
    }

    /// Sets or replaces the password of an account, and ends its sessions except the one that is kept.
    ///
    /// # Errors
    /// As [`Vault::prepare_password`].
    pub async fn set_password(
        &self,
        asker: &Asker,
        user: UserNo,
        password: &Secret,
        keep: Option<Id>,
    ) -> Result<(), VaultError> {
        let row = encode(&self.hash_password(asker, password).await?)?;
        self.write(move |store| {
            let mut changes = vec![(password_key(user), Some(row))];
            forget_others(store, &mut changes, user, keep)?;
            Ok((changes, ()))
        })
        .await
    }

    /// Stores the same password with another hash, unless it was changed meanwhile.
    async fn replace_hash(&self, user: UserNo, old: String, new: String) -> Result<(), VaultError> {
        self.write(move |store| {
            let stored: Option<String> = read_row(store, &password_key(user))?;
            let mut changes = Vec::new();
            if stored == Some(old) {
                changes.push((password_key(user), Some(encode(&new)?)));
            }
            Ok((changes, ()))
        })
        .await
    }

    /// Removes the password of an account.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn remove_password(&self, user: UserNo) -> Result<(), VaultError> {
        self.write(move |_| Ok((vec![(password_key(user), None)], ())))
            .await
    }

    /// Whether a password that was checked is still the account's.
    ///
    /// # Errors
    /// Those of the store.
    pub fn still_holds(&self, user: UserNo, verified: &Verified) -> Result<bool, VaultError> {
        let stored: Option<String> = self.read(&password_key(user))?;
        Ok(stored.is_some_and(|stored| stored == verified.hash))
    }

    /// Checks whether a password is that of an account. Without an account, or for one without a password, it
    /// takes as long and returns `None`, so that the time does not reveal which accounts exist.
    ///
    /// # Errors
    /// [`VaultError::TooManyOfOne`] and [`VaultError::Busy`] if too many are being checked, or those of the
    /// store.
    pub async fn check_password(
        &self,
        asker: &Asker,
        user: Option<UserNo>,
        password: &Secret,
    ) -> Result<Option<Verified>, VaultError> {
        let cost = self.inner.cost;
        let account: Option<(UserNo, String)> = match user {
            Some(user) => self.read(&password_key(user))?.map(|hash| (user, hash)),
            None => None,
        };
        let stored = account.as_ref().map(|(_, hash)| PasswordHash::new(hash));
        let stored = stored.transpose().map_err(|_| VaultError::Row)?;
        let outdated = match &stored {
            Some(hash) => cost_of(hash)? != cost,
            None => false,
        };
        let typed = password.clone();
        let fits = typed.expose().len() <= PASSWORD_BYTES_MAX;
        let work = move || {
            let typed = if fits { typed.expose().as_bytes() } else { &[] };
            match stored {
                Some(hash) => Ok(Scrypt::new().verify_password(typed, &hash).is_ok()),
                None => scrypt_hash(typed, &[0; SALT_BYTES], cost).map(|_| false),
            }
        };
        let derivations = self.derivations().asked_by(asker.clone());
        let equal = derivations.run(work).await??;
        let Some((user, mut hash)) = account.filter(|_| equal && fits) else {
            return Ok(None);
        };
        if outdated {
            let new = self.hash_password(asker, password).await?;
            self.replace_hash(user, hash, new.clone()).await?;
            hash = new;
        }
        Ok(Some(Verified { hash }))
    }

    /// At startup: assigns prepared passwords to accounts that a step created before a crash, and drops the
    /// others. `find` looks a local account up by user name.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn sweep_passwords<F>(&self, find: F) -> Result<usize, VaultError>
    where
        F: Fn(&str) -> Option<UserNo> + Send + 'static,
    {
        self.write(move |store| {
            let rows = store.scan(&[kind::PREPARED_PASSWORD], &[], SWEEP_ROWS_MAX)?;
            let decoded: Vec<PreparedRow> = rows
                .iter()
                .map(|(_, row)| decode(row))
                .collect::<Result<_, _>>()?;
            let mut changes = Vec::new();
            for ((row_key, _), row) in rows.iter().zip(&decoded) {
                changes.push((row_key.clone(), None));
                // Two sign-ups raced for the name: it is unknown whose the account is.
                let rivals = decoded
                    .iter()
                    .filter(|other| other.username == row.username);
                let Some(user) = find(&row.username).filter(|_| rivals.count() == 1) else {
                    continue;
                };
                if store.get(&password_key(user))?.is_none() {
                    changes.push((password_key(user), Some(encode(&row.hash)?)));
                }
            }
            Ok((changes, rows.len()))
        })
        .await
    }

    async fn hash_password(&self, asker: &Asker, password: &Secret) -> Result<String, VaultError> {
        if password.is_empty() || password.expose().len() > PASSWORD_BYTES_MAX {
            return Err(VaultError::Password);
        }
        let (password, salt, cost) = (password.clone(), random::<SALT_BYTES>()?, self.inner.cost);
        let work = move || scrypt_hash(password.expose().as_bytes(), &salt, cost);
        let derivations = self.derivations().asked_by(asker.clone());
        Ok(derivations.run(work).await??.to_string())
    }
}

fn password_key(user: UserNo) -> Vec<u8> {
    key(kind::PASSWORD, &[&user.0.to_be_bytes()])
}

/// The cost of a stored hash, which is a PHC string of scrypt.
fn cost_of(hash: &PasswordHash) -> Result<PasswordCost, VaultError> {
    let number = |name, max| {
        let found = hash.params.get_decimal(name);
        found.filter(|it| *it <= max).ok_or(VaultError::Row)
    };
    let cost = PasswordCost {
        log_n: u8::try_from(number("ln", LOG_N_MAX.into())?).map_err(|_| VaultError::Row)?,
        r: number("r", R_MAX)?,
        p: number("p", P_MAX)?,
    };
    let read = scrypt::Params::try_from(hash).is_ok();
    let ours = read && hash.algorithm == ALG_ID && hash.salt.is_some() && hash.hash.is_some();
    ours.then_some(cost).ok_or(VaultError::Row)
}

fn scrypt_hash(
    password: &[u8],
    salt: &[u8],
    cost: PasswordCost,
) -> Result<PasswordHash, VaultError> {
    let params = scrypt::Params::new(cost.log_n, cost.r, cost.p).map_err(|_| VaultError::Row)?;
    Scrypt::new_with_params(params)
        .hash_password_with_salt(password, salt)
        .map_err(|_| VaultError::Row)
}

#[cfg(test)]
mod tests {
    use super::super::testing::cheap_vault;
    use super::super::{FileStore, VAULT_FILE};
    use super::*;

    async fn passes(vault: &Vault, user: Option<UserNo>, password: &Secret) -> bool {
        let asker = Asker::default();
        let checked = vault.check_password(&asker, user, password);
        checked.await.unwrap().is_some()
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_known_account_passes() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        let password = Secret::new("correct horse");
        vault
            .set_password(&Asker::default(), UserNo(1), &password, None)
            .await
            .unwrap();
        assert!(passes(&vault, Some(UserNo(1)), &password).await);
        for (user, typed) in [
            (Some(UserNo(1)), "Correct horse"),
            (Some(UserNo(1)), ""),
            (Some(UserNo(2)), "correct horse"),
            (None, "correct horse"),
        ] {
            assert!(!passes(&vault, user, &Secret::new(typed)).await);
        }
        vault.remove_password(UserNo(1)).await.unwrap();
        assert!(!passes(&vault, Some(UserNo(1)), &password).await);
    }

    #[tokio::test]
    async fn empty_and_over_long_passwords_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        let longest = Secret::new("x".repeat(PASSWORD_BYTES_MAX));
        vault
            .set_password(&Asker::default(), UserNo(1), &longest, None)
            .await
            .unwrap();
        for bad in [String::new(), "x".repeat(PASSWORD_BYTES_MAX + 1)] {
            let refused = vault
                .set_password(
                    &Asker::default(),
                    UserNo(1),
                    &Secret::new(bad.clone()),
                    None,
                )
                .await;
            assert!(matches!(refused, Err(VaultError::Password)));
            assert!(!passes(&vault, Some(UserNo(1)), &Secret::new(bad)).await);
        }
    }

    #[tokio::test]
    async fn hashes_of_another_cost_are_renewed_when_their_user_logs_in() {
        let folder = tempfile::tempdir().unwrap();
        let password = Secret::new("secret");
        let old = cheap_vault(folder.path());
        old.set_password(&Asker::default(), UserNo(1), &password, None)
            .await
            .unwrap();
        drop(old);
        let store = FileStore::open(&folder.path().join(VAULT_FILE)).unwrap();
        let vault = Vault::with_store(
            Box::new(store),
            PasswordCost {
                log_n: 5,
                r: 8,
                p: 1,
            },
        );
        let stored = || {
            vault
                .read::<String>(&password_key(UserNo(1)))
                .unwrap()
                .unwrap()
        };
        assert!(!passes(&vault, Some(UserNo(1)), &Secret::new("other")).await);
        assert!(stored().starts_with("$scrypt$ln=4,"));
        assert!(passes(&vault, Some(UserNo(1)), &password).await);
        assert!(stored().starts_with("$scrypt$ln=5,r=8,p=1$"));
        assert!(passes(&vault, Some(UserNo(1)), &password).await);
    }

    /// Written by releases that built the string themselves; the password is `correct horse`.
    const STORED_EARLIER: &str =
        "$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$Q7EcH175P/kcU7JE2HRU+qTRrq/BS6UbCRYPdBaC5y8";

    async fn store(vault: &Vault, user: UserNo, hash: &str) {
        let change = (password_key(user), Some(encode(&hash).unwrap()));
        vault.write(|_| Ok((vec![change], ()))).await.unwrap();
    }

    #[tokio::test]
    async fn hashes_that_earlier_releases_stored_are_read_and_written_alike() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        store(&vault, UserNo(1), STORED_EARLIER).await;
        let right = Secret::new("correct horse");
        assert!(passes(&vault, Some(UserNo(1)), &right).await);
        assert!(!passes(&vault, Some(UserNo(1)), &Secret::new("wrong")).await);
        let salt: Vec<u8> = (0..16).collect();
        let hash = scrypt_hash(b"correct horse", &salt, vault.inner.cost).unwrap();
        assert_eq!(hash.to_string(), STORED_EARLIER);
    }

    #[tokio::test]
    async fn stored_hashes_that_ask_for_too_much_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        let cost = "ln=4,r=8,p=1";
        for bad in [
            "ln=40,r=8,p=3",
            "ln=15,r=999,p=3",
            "ln=15,r=4294967295,p=2",
            "ln=15,r=8",
            "ln=15,r=8,p=99",
            "ln=15,r=8,p=3,x=1",
            "ln=x,r=8,p=3",
        ] {
            let hash = STORED_EARLIER.replace(cost, bad);
            assert_ne!(hash, STORED_EARLIER);
            store(&vault, UserNo(1), &hash).await;
            let asker = Asker::default();
            let password = Secret::new("x");
            let checked = vault.check_password(&asker, Some(UserNo(1)), &password);
            assert!(matches!(checked.await, Err(VaultError::Row)), "{bad}");
        }
        for foreign in [
            "$2a$10$abc",
            "",
            "$argon2id$v=19$m=16,t=2,p=1$AAECAwQFBgc$AAECAwQFBgc",
        ] {
            store(&vault, UserNo(1), foreign).await;
            let asker = Asker::default();
            let password = Secret::new("x");
            let checked = vault.check_password(&asker, Some(UserNo(1)), &password);
            assert!(matches!(checked.await, Err(VaultError::Row)), "{foreign}");
        }
    }

    #[tokio::test]
    async fn prepared_passwords_reach_the_account_also_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        let password = Secret::new("secret");
        let prepared = vault
            .prepare_password(&Asker::default(), "ann", &password)
            .await
            .unwrap();
        vault.adopt_password(prepared, UserNo(1)).await.unwrap();
        assert!(passes(&vault, Some(UserNo(1)), &password).await);
        // A crash after the step that made bob, one before the step of cid, a race for dan.
        for name in ["bob", "cid", "dan", "dan"] {
            vault
                .prepare_password(&Asker::default(), name, &password)
                .await
                .unwrap();
        }
        let find = |name: &str| match name {
            "bob" => Some(UserNo(2)),
            "dan" => Some(UserNo(3)),
            _ => None,
        };
        assert_eq!(vault.sweep_passwords(find).await.unwrap(), 4);
        assert_eq!(vault.sweep_passwords(find).await.unwrap(), 0);
        assert!(passes(&vault, Some(UserNo(2)), &password).await);
        assert!(!passes(&vault, Some(UserNo(3)), &password).await);
    }

    #[tokio::test]
    async fn a_changed_password_ends_the_other_sessions_and_what_was_proved_before() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        let (asker, ann, ben) = (Asker::default(), UserNo(1), UserNo(2));
        let old = Secret::new("old password");
        vault.set_password(&asker, ann, &old, None).await.unwrap();
        let verified = vault.check_password(&asker, Some(ann), &old).await.unwrap();
        let verified = verified.unwrap();
        assert!(vault.still_holds(ann, &verified).unwrap());
        let mut sessions = Vec::new();
        for user in [ann, ann, ann, ben] {
            let new = vault.create_session(user, "", 0).await.unwrap();
            sessions.push(new.session);
        }
        let kept = sessions[1].id;
        let new = Secret::new("new password");
        vault
            .set_password(&asker, ann, &new, Some(kept))
            .await
            .unwrap();
        let left = vault.sessions_of(ann, 0).unwrap();
        assert_eq!(left, sessions[1..2]);
        assert_eq!(vault.sessions_of(ben, 0).unwrap(), sessions[3..]);
        assert!(!vault.still_holds(ann, &verified).unwrap());
        vault.set_password(&asker, ann, &new, None).await.unwrap();
        assert_eq!(vault.sessions_of(ann, 0).unwrap(), []);
    }
}
