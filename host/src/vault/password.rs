//! Passwords of local users.

use causeway_kernel::rows::id::{Id, UserNo};
use serde::{Deserialize, Serialize};

use super::password_hash::{SALT_BYTES, StoredHash, hash};
use super::secret::{Secret, new_id, random};
use super::session::forget_others;
use super::{Asker, SWEEP_ROWS_MAX, Vault, VaultError, decode, encode, key, kind, read_row};

/// Maximum bytes of a password; the reference accepts 72, which is where its bcrypt stops reading.
pub const PASSWORD_BYTES_MAX: usize = 72;

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
        let stored = account.as_ref().map(|(_, hash)| StoredHash::parse(hash));
        let stored = stored.transpose()?;
        let is_outdated = stored.as_ref().is_some_and(|it| it.is_outdated(cost));
        let typed = password.clone();
        let fits = typed.expose().len() <= PASSWORD_BYTES_MAX;
        let work = move || {
            let typed = if fits { typed.expose().as_bytes() } else { &[] };
            match stored {
                Some(stored) => Ok(stored.is_of(typed)),
                None => hash(typed, &[0; SALT_BYTES], cost).map(|_| false),
            }
        };
        let derivations = self.derivations().asked_by(asker.clone());
        let equal = derivations.run(work).await??;
        let Some((user, mut held)) = account.filter(|_| equal && fits) else {
            return Ok(None);
        };
        if is_outdated {
            let new = self.hash_password(asker, password).await?;
            self.replace_hash(user, held, new.clone()).await?;
            held = new;
        }
        Ok(Some(Verified { hash: held }))
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
        let work = move || hash(password.expose().as_bytes(), &salt, cost);
        let derivations = self.derivations().asked_by(asker.clone());
        derivations.run(work).await?
    }
}

fn password_key(user: UserNo) -> Vec<u8> {
    key(kind::PASSWORD, &[&user.0.to_be_bytes()])
}

#[cfg(test)]
mod tests {
    use super::super::testing::cheap_vault;
    use super::super::{FileStore, PasswordCost, VAULT_FILE};
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
                memory_kib: 16,
                passes: 1,
                lanes: 1,
            },
        );
        let stored = || {
            vault
                .read::<String>(&password_key(UserNo(1)))
                .unwrap()
                .unwrap()
        };
        assert!(!passes(&vault, Some(UserNo(1)), &Secret::new("other")).await);
        assert!(stored().starts_with("$argon2id$v=19$m=8,"));
        assert!(passes(&vault, Some(UserNo(1)), &password).await);
        assert!(stored().starts_with("$argon2id$v=19$m=16,t=1,p=1$"));
        assert!(passes(&vault, Some(UserNo(1)), &password).await);
    }

    /// Written by earlier releases; the password is `correct horse`.
    const STORED_EARLIER: &str =
        "$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$Q7EcH175P/kcU7JE2HRU+qTRrq/BS6UbCRYPdBaC5y8";

    async fn store(vault: &Vault, user: UserNo, hash: &str) {
        let change = (password_key(user), Some(encode(&hash).unwrap()));
        vault.write(|_| Ok((vec![change], ()))).await.unwrap();
    }

    #[tokio::test]
    async fn hashes_of_earlier_releases_are_read_and_replaced_at_the_first_login() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        store(&vault, UserNo(1), STORED_EARLIER).await;
        let stored = || {
            let read = vault.read::<String>(&password_key(UserNo(1)));
            read.unwrap().unwrap()
        };
        assert!(!passes(&vault, Some(UserNo(1)), &Secret::new("wrong")).await);
        assert_eq!(stored(), STORED_EARLIER);
        let right = Secret::new("correct horse");
        assert!(passes(&vault, Some(UserNo(1)), &right).await);
        assert!(stored().starts_with("$argon2id$"));
        assert!(passes(&vault, Some(UserNo(1)), &right).await);
        assert!(!passes(&vault, Some(UserNo(1)), &Secret::new("wrong")).await);
    }

    #[tokio::test]
    async fn stored_hashes_that_ask_for_too_much_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        let argon2 = super::super::password_hash::hash(b"x", &[1; 16], vault.inner.cost).unwrap();
        let mut bad = Vec::new();
        for cost in [
            "ln=40,r=8,p=3",
            "ln=15,r=999,p=3",
            "ln=15,r=4294967295,p=2",
            "ln=15,r=8",
            "ln=15,r=8,p=99",
            "ln=15,r=8,p=3,x=1",
            "ln=x,r=8,p=3",
        ] {
            bad.push(STORED_EARLIER.replace("ln=4,r=8,p=1", cost));
        }
        for cost in [
            "m=4294967295,t=1,p=1",
            "m=8,t=99,p=1",
            "m=8,t=1,p=99",
            "m=8,t=1",
            "m=8,t=1,p=1,x=1",
            "m=8,t=1,p=x",
        ] {
            bad.push(argon2.replace("m=8,t=1,p=1", cost));
        }
        bad.push(argon2.replace("v=19", "v=16"));
        bad.push(argon2.replace("argon2id", "argon2d"));
        bad.push("$2a$10$abc".into());
        bad.push(String::new());
        for bad in bad {
            assert!(bad != STORED_EARLIER && bad != argon2);
            store(&vault, UserNo(1), &bad).await;
            let asker = Asker::default();
            let password = Secret::new("x");
            let checked = vault.check_password(&asker, Some(UserNo(1)), &password);
            assert!(matches!(checked.await, Err(VaultError::Row)), "{bad}");
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
