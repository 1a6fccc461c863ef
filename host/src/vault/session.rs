//! Sessions of local users.

use causeway_kernel::rows::id::{Id, UserNo};
use serde::{Deserialize, Serialize};

use super::secret::{Secret, TokenDigest, new_id};
use super::{
    Change, SWEEP_ROWS_MAX, SecretStore, Vault, VaultError, decode, encode, key, kind, read_row,
};

/// Maximum sessions of one user; one more ends the one that was idle longest.
pub const SESSIONS_PER_USER_MAX: usize = 100;

/// How long a session lives without activity, in ms (30 days, as in the reference).
const SESSION_LIFE_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// Activity is recorded if the last record is older than this, in ms.
const ACTIVITY_STEP_MS: i64 = 5 * 60 * 1000;

/// Characters kept of a client's description of itself.
const DEVICE_CHARS_MAX: usize = 128;

/// A session, without its token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginSession {
    /// Identifies the session in lists.
    pub id: Id,
    /// The user.
    pub user: UserNo,
    /// The value that a browser must repeat in a header when it presents the token as a cookie.
    pub csrf: String,
    /// When it began, in ms.
    pub create_at: i64,
    /// When it ends, in ms; moves with activity.
    pub expires_at: i64,
    /// Last recorded activity, in ms.
    pub last_activity_at: i64,
    /// The client's description of itself.
    pub device: String,
}

impl LoginSession {
    /// Whether it stands for an access token, and not for a login.
    #[must_use]
    pub fn is_of_access_token(&self) -> bool {
        self.expires_at == i64::MAX
    }
}

/// A new session with its token, which is not kept.
#[derive(Debug)]
pub struct NewSession {
    /// The session.
    pub session: LoginSession,
    /// The token that the client presents from now on.
    pub token: Secret,
}

impl Vault {
    /// Creates a session.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn create_session(
        &self,
        user: UserNo,
        device: &str,
        now_ms: i64,
    ) -> Result<NewSession, VaultError> {
        let token = Secret::token()?;
        let digest = TokenDigest::of(token.expose());
        let session = LoginSession {
            id: new_id()?,
            user,
            csrf: new_id()?.into(),
            create_at: now_ms,
            expires_at: now_ms.saturating_add(SESSION_LIFE_MS),
            last_activity_at: now_ms,
            device: device
                .chars()
                .filter(|c| !c.is_control())
                .take(DEVICE_CHARS_MAX)
                .collect(),
        };
        let row = session.clone();
        self.write(move |store| {
            let mut changes = vec![
                (session_key(&digest), Some(encode(&row)?)),
                (user_key(user, &digest), Some(Vec::new())),
            ];
            let mut others = of_user(store, user)?;
            if others.len() >= SESSIONS_PER_USER_MAX {
                others.sort_by_key(|(_, session)| session.last_activity_at);
                let surplus = others.len() + 1 - SESSIONS_PER_USER_MAX;
                for (digest, _) in others.iter().take(surplus) {
                    forget(&mut changes, user, digest);
                }
            }
            Ok((changes, ()))
        })
        .await?;
        Ok(NewSession { session, token })
    }

    /// The live session of a token; for an access token, the one that it stands for.
    ///
    /// # Errors
    /// Those of the store.
    pub fn session(&self, token: &str, now_ms: i64) -> Result<Option<LoginSession>, VaultError> {
        let found: Option<LoginSession> = self.read(&session_key(&TokenDigest::of(token)))?;
        match found.filter(|session| session.expires_at > now_ms) {
            Some(session) => Ok(Some(session)),
            None => self.of_access_token(token),
        }
    }

    /// Records activity of a session and prolongs it; rarely writes.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn note_activity(&self, token: &str, now_ms: i64) -> Result<(), VaultError> {
        let digest = TokenDigest::of(token);
        let due = |session: &LoginSession| now_ms - session.last_activity_at >= ACTIVITY_STEP_MS;
        if !self.read(&session_key(&digest))?.as_ref().is_some_and(due) {
            return Ok(());
        }
        self.write(move |store| {
            let Some(mut session) = read_row::<LoginSession>(store, &session_key(&digest))? else {
                return Ok((Vec::new(), ()));
            };
            session.last_activity_at = session.last_activity_at.max(now_ms);
            session.expires_at = session
                .expires_at
                .max(now_ms.saturating_add(SESSION_LIFE_MS));
            Ok((vec![(session_key(&digest), Some(encode(&session)?))], ()))
        })
        .await
    }

    /// Ends the session of a token. Returns whether there was one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn end_session(&self, token: &str) -> Result<bool, VaultError> {
        let digest = TokenDigest::of(token);
        self.write(move |store| {
            let mut changes = Vec::new();
            let found: Option<LoginSession> = read_row(store, &session_key(&digest))?;
            if let Some(session) = &found {
                forget(&mut changes, session.user, digest.bytes());
            }
            Ok((changes, found.is_some()))
        })
        .await
    }

    /// Ends the session of a user with an id. Returns whether there was one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn end_session_of(&self, user: UserNo, session: Id) -> Result<bool, VaultError> {
        self.write(move |store| {
            let mut changes = Vec::new();
            let all = of_user(store, user)?;
            let found = all.iter().find(|(_, row)| row.id == session);
            if let Some((digest, _)) = found {
                forget(&mut changes, user, digest);
            }
            Ok((changes, found.is_some()))
        })
        .await
    }

    /// Ends all sessions of a user.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn end_sessions(&self, user: UserNo) -> Result<(), VaultError> {
        self.write(move |store| {
            let mut changes = Vec::new();
            forget_others(store, &mut changes, user, None)?;
            Ok((changes, ()))
        })
        .await
    }

    /// The live sessions of a user, the latest first.
    ///
    /// # Errors
    /// Those of the store.
    pub fn sessions_of(&self, user: UserNo, now_ms: i64) -> Result<Vec<LoginSession>, VaultError> {
        let found = of_user(self.inner.store.as_ref(), user)?;
        let mut sessions: Vec<LoginSession> = found
            .into_iter()
            .map(|(_, session)| session)
            .filter(|session| session.expires_at > now_ms)
            .collect();
        sessions.sort_by_key(|session| std::cmp::Reverse((session.create_at, session.id)));
        Ok(sessions)
    }

    /// Removes expired sessions, and those whose user `is_live` rejects. Returns their number.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn sweep_sessions<F>(&self, now_ms: i64, is_live: F) -> Result<usize, VaultError>
    where
        F: Fn(UserNo) -> bool + Send + Sync + 'static,
    {
        let is_live = std::sync::Arc::new(is_live);
        let (mut after, mut ended) = (Vec::new(), 0);
        loop {
            let (from, is_live) = (after, std::sync::Arc::clone(&is_live));
            let (last, count) = self
                .write(move |store| {
                    let rows = store.scan(&[kind::SESSION], &from, SWEEP_ROWS_MAX)?;
                    let (mut changes, mut count) = (Vec::new(), 0);
                    for (row_key, row) in &rows {
                        let session: LoginSession = decode(row)?;
                        if session.expires_at <= now_ms || !is_live(session.user) {
                            let digest = row_key.get(1..).unwrap_or_default();
                            forget(&mut changes, session.user, digest);
                            count += 1;
                        }
                    }
                    let full = rows.len() == SWEEP_ROWS_MAX;
                    let last = rows.into_iter().next_back().map(|(key, _)| key);
                    Ok((changes, (last.filter(|_| full), count)))
                })
                .await?;
            ended += count;
            match last {
                Some(key) => after = key,
                None => return Ok(ended),
            }
        }
    }
}

fn session_key(digest: &TokenDigest) -> Vec<u8> {
    key(kind::SESSION, &[digest.bytes()])
}

fn user_key(user: UserNo, digest: &TokenDigest) -> Vec<u8> {
    key(kind::USER_SESSION, &[&user.0.to_be_bytes(), digest.bytes()])
}

fn forget(changes: &mut Vec<Change>, user: UserNo, digest: &[u8]) {
    changes.push((key(kind::SESSION, &[digest]), None));
    changes.push((
        key(kind::USER_SESSION, &[&user.0.to_be_bytes(), digest]),
        None,
    ));
}

/// Ends the sessions of a user, except the one that is kept.
pub(super) fn forget_others(
    store: &dyn SecretStore,
    changes: &mut Vec<Change>,
    user: UserNo,
    keep: Option<Id>,
) -> Result<(), VaultError> {
    for (digest, session) in of_user(store, user)? {
        if Some(session.id) != keep {
            forget(changes, user, &digest);
        }
    }
    Ok(())
}

/// Sessions of a user, with the digests of their tokens.
fn of_user(
    store: &dyn SecretStore,
    user: UserNo,
) -> Result<Vec<(Vec<u8>, LoginSession)>, VaultError> {
    let prefix = key(kind::USER_SESSION, &[&user.0.to_be_bytes()]);
    let mut found = Vec::new();
    for (index_key, _) in store.scan(&prefix, &[], 2 * SESSIONS_PER_USER_MAX)? {
        let digest = index_key.get(prefix.len()..).unwrap_or_default().to_vec();
        if let Some(session) = read_row(store, &key(kind::SESSION, &[&digest]))? {
            found.push((digest, session));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::testing::cheap_vault;
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    #[tokio::test]
    async fn a_session_lives_until_it_expires_or_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        let new = vault
            .create_session(UserNo(1), "Mozilla\r\nX: y", NOW)
            .await
            .unwrap();
        let token = new.token.expose();
        assert_eq!(
            vault.session(token, NOW).unwrap(),
            Some(new.session.clone())
        );
        assert_eq!(new.session.device, "MozillaX: y");
        assert_eq!(vault.session(token, NOW + SESSION_LIFE_MS).unwrap(), None);
        assert_eq!(vault.session("other", NOW).unwrap(), None);
        drop(vault);
        let vault = cheap_vault(folder.path());
        assert!(vault.session(token, NOW).unwrap().is_some());
        assert!(vault.end_session(token).await.unwrap());
        assert!(!vault.end_session(token).await.unwrap());
        assert_eq!(vault.session(token, NOW).unwrap(), None);
    }

    #[tokio::test]
    async fn activity_prolongs_a_session() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        let new = vault.create_session(UserNo(1), "", NOW).await.unwrap();
        let token = new.token.expose();
        vault.note_activity(token, NOW + 1).await.unwrap();
        assert_eq!(
            vault.session(token, NOW).unwrap().unwrap().last_activity_at,
            NOW
        );
        let later = NOW + ACTIVITY_STEP_MS;
        vault.note_activity(token, later).await.unwrap();
        let session = vault.session(token, NOW).unwrap().unwrap();
        assert_eq!(session.last_activity_at, later);
        assert_eq!(session.expires_at, later + SESSION_LIFE_MS);
    }

    #[tokio::test]
    async fn the_vault_holds_no_session_token() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        let new = vault.create_session(UserNo(1), "", NOW).await.unwrap();
        drop(vault);
        let bytes = std::fs::read(folder.path().join(super::super::VAULT_FILE)).unwrap();
        let token = new.token.expose().as_bytes();
        assert!(!bytes.windows(token.len()).any(|window| window == token));
    }

    #[tokio::test]
    async fn sessions_of_a_user_are_listed_and_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        let mut first = None;
        for at in 0..=SESSIONS_PER_USER_MAX {
            let at = NOW + i64::try_from(at).unwrap();
            let new = vault.create_session(UserNo(1), "", at).await.unwrap();
            first.get_or_insert(new);
        }
        vault.create_session(UserNo(2), "", NOW).await.unwrap();
        let listed = vault.sessions_of(UserNo(1), NOW).unwrap();
        assert_eq!(listed.len(), SESSIONS_PER_USER_MAX);
        assert!(listed.is_sorted_by_key(|session| std::cmp::Reverse(session.create_at)));
        assert_eq!(
            vault.session(first.unwrap().token.expose(), NOW).unwrap(),
            None
        );
        assert_eq!(vault.sessions_of(UserNo(2), NOW).unwrap().len(), 1);
    }

    #[tokio::test]
    async fn expired_sessions_and_those_of_nobody_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        vault.create_session(UserNo(1), "", NOW).await.unwrap();
        vault
            .create_session(UserNo(1), "", NOW + SESSION_LIFE_MS)
            .await
            .unwrap();
        vault
            .create_session(UserNo(2), "", NOW + SESSION_LIFE_MS)
            .await
            .unwrap();
        let only_first = |user| user == UserNo(1);
        assert_eq!(
            vault
                .sweep_sessions(NOW + SESSION_LIFE_MS, only_first)
                .await
                .unwrap(),
            2
        );
        assert_eq!(vault.sessions_of(UserNo(1), NOW).unwrap().len(), 1);
        assert_eq!(vault.sessions_of(UserNo(2), NOW).unwrap().len(), 0);
    }
}
