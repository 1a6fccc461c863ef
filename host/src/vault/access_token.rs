//! Personal access tokens: credentials of programs, which last until they are revoked.

use causeway_kernel::rows::id::{Id, UserNo};
use serde::{Deserialize, Serialize};

use super::secret::{Secret, TokenDigest, new_id};
use super::{LoginSession, SecretStore, Vault, VaultError, decode, encode, key, kind, read_row};

/// Maximum access tokens of a workspace; a further one is refused.
pub const ACCESS_TOKENS_MAX: usize = 10_000;

/// An access token, without the token itself. Key: its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessToken {
    /// Identifies it in lists.
    pub id: Id,
    /// Whose it is.
    pub user: UserNo,
    /// What it is for.
    pub description: String,
    /// When it was created, in ms.
    pub create_at: i64,
    /// Whether it is accepted.
    pub is_active: bool,
}

impl AccessToken {
    /// What a request that presents it acts as: a session that does not end by itself.
    fn session(self) -> LoginSession {
        LoginSession {
            id: self.id,
            user: self.user,
            csrf: String::new(),
            create_at: self.create_at,
            expires_at: i64::MAX,
            last_activity_at: self.create_at,
            device: String::new(),
        }
    }
}

impl Vault {
    /// Creates an access token; `None` if there are as many as there may be. The token itself is not kept.
    ///
    /// # Errors
    /// Those of the store, or no randomness.
    pub async fn create_access_token(
        &self,
        user: UserNo,
        description: String,
        now_ms: i64,
    ) -> Result<Option<(AccessToken, Secret)>, VaultError> {
        let token = Secret::token()?;
        let row = AccessToken {
            id: new_id()?,
            user,
            description,
            create_at: now_ms,
            is_active: true,
        };
        let (row_key, made) = (token_key(&TokenDigest::of(token.expose())), row.clone());
        let has_room = self
            .write(move |store| {
                if all(store)?.len() >= ACCESS_TOKENS_MAX {
                    return Ok((Vec::new(), false));
                }
                Ok((vec![(row_key, Some(encode(&row)?))], true))
            })
            .await?;
        Ok(has_room.then_some((made, token)))
    }

    /// All access tokens, or those of a user.
    ///
    /// # Errors
    /// Those of the store.
    pub fn access_tokens(&self, user: Option<UserNo>) -> Result<Vec<AccessToken>, VaultError> {
        let mut found: Vec<AccessToken> = all(self.inner.store.as_ref())?
            .into_iter()
            .map(|(_, token)| token)
            .filter(|token| user.is_none_or(|user| token.user == user))
            .collect();
        found.sort_by_key(|token| (token.create_at, token.id));
        Ok(found)
    }

    /// An access token by its id.
    ///
    /// # Errors
    /// Those of the store.
    pub fn access_token(&self, id: Id) -> Result<Option<AccessToken>, VaultError> {
        let mut all = all(self.inner.store.as_ref())?.into_iter();
        Ok(all
            .find(|(_, token)| token.id == id)
            .map(|(_, token)| token))
    }

    /// Accepts an access token from now on, or not; with `None` it is removed. Returns whether there is one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn set_access_token(
        &self,
        id: Id,
        is_active: Option<bool>,
    ) -> Result<bool, VaultError> {
        self.write(move |store| {
            let found = all(store)?.into_iter().find(|(_, token)| token.id == id);
            let Some((row_key, token)) = found else {
                return Ok((Vec::new(), false));
            };
            let changed = match is_active {
                Some(is_active) => Some(encode(&AccessToken { is_active, ..token })?),
                None => None,
            };
            Ok((vec![(row_key, changed)], true))
        })
        .await
    }

    /// The session that an access token stands for.
    pub(super) fn of_access_token(&self, token: &str) -> Result<Option<LoginSession>, VaultError> {
        let store = self.inner.store.as_ref();
        let found: Option<AccessToken> = read_row(store, &token_key(&TokenDigest::of(token)))?;
        let active = found.filter(|token| token.is_active);
        Ok(active.map(AccessToken::session))
    }
}

fn token_key(digest: &TokenDigest) -> Vec<u8> {
    key(kind::ACCESS_TOKEN, &[digest.bytes()])
}

fn all(store: &dyn SecretStore) -> Result<Vec<(Vec<u8>, AccessToken)>, VaultError> {
    let rows = store.scan(&[kind::ACCESS_TOKEN], &[], ACCESS_TOKENS_MAX)?;
    rows.into_iter()
        .map(|(row_key, row)| Ok((row_key, decode(&row)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::VAULT_FILE;
    use super::super::testing::cheap_vault;
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    #[tokio::test]
    async fn an_access_token_is_accepted_until_it_is_disabled_or_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        let made = vault
            .create_access_token(UserNo(1), "builds".into(), NOW)
            .await;
        let (row, token) = made.unwrap().unwrap();
        let later = NOW + 365 * 24 * 3_600_000;
        let user = || {
            let session = vault.session(token.expose(), later).unwrap();
            session.map(|session| session.user)
        };
        assert_eq!(user(), Some(UserNo(1)));
        let of = |user| vault.access_tokens(Some(UserNo(user))).unwrap();
        assert_eq!(of(1), std::slice::from_ref(&row));
        assert_eq!(of(2), []);
        assert!(vault.set_access_token(row.id, Some(false)).await.unwrap());
        assert_eq!(user(), None);
        assert!(vault.set_access_token(row.id, Some(true)).await.unwrap());
        assert_eq!(user(), Some(UserNo(1)));
        // It is no session of the user: neither listed, nor ended with them.
        assert_eq!(vault.sessions_of(UserNo(1), later).unwrap(), []);
        vault.end_sessions(UserNo(1)).await.unwrap();
        vault.note_activity(token.expose(), later).await.unwrap();
        assert_eq!(user(), Some(UserNo(1)));
        assert!(vault.set_access_token(row.id, None).await.unwrap());
        assert!(!vault.set_access_token(row.id, None).await.unwrap());
        assert_eq!(user(), None);
    }

    #[tokio::test]
    async fn the_vault_holds_no_access_token() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        let made = vault
            .create_access_token(UserNo(1), String::new(), NOW)
            .await;
        let (_, token) = made.unwrap().unwrap();
        drop(vault);
        let bytes = std::fs::read(folder.path().join(VAULT_FILE)).unwrap();
        let token = token.expose().as_bytes();
        assert!(!bytes.windows(token.len()).any(|window| window == token));
    }
}
