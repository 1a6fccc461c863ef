//! Addresses from which an account was used: password attempts elsewhere do not slow down its user there.

use causeway_kernel::rows::id::UserNo;

use super::{Source, Vault, VaultError, encode, key, kind, read_row};

/// Maximum addresses kept per account; one more replaces the one used longest ago.
pub const KNOWN_ADDRESSES_PER_USER_MAX: usize = 16;

/// How long an address stays known without a login, in ms (90 days).
const KNOWN_MS: i64 = 90 * 24 * 60 * 60 * 1000;

/// A login is recorded if the last record is older than this, in ms (a day).
const NOTE_STEP_MS: i64 = 24 * 60 * 60 * 1000;

impl Vault {
    /// Whether a user has recently logged in from this address.
    ///
    /// # Errors
    /// Those of the store.
    pub fn knows_address(
        &self,
        user: UserNo,
        address: &Source,
        now_ms: i64,
    ) -> Result<bool, VaultError> {
        let noted: Option<i64> = self.read(&address_key(user, address))?;
        Ok(noted.is_some_and(|at| now_ms.saturating_sub(at) < KNOWN_MS))
    }

    /// Records that a user has logged in from this address; rarely writes.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn note_address(
        &self,
        user: UserNo,
        address: &Source,
        now_ms: i64,
    ) -> Result<(), VaultError> {
        let row_key = address_key(user, address);
        let noted: Option<i64> = self.read(&row_key)?;
        if noted.is_some_and(|at| now_ms.saturating_sub(at) < NOTE_STEP_MS) {
            return Ok(());
        }
        self.write(move |store| {
            let mut others = Vec::new();
            let prefix = key(kind::KNOWN_ADDRESS, &[&user.0.to_be_bytes()]);
            for (other, _) in store.scan(&prefix, &[], 2 * KNOWN_ADDRESSES_PER_USER_MAX)? {
                let at: i64 = read_row(store, &other)?.unwrap_or_default();
                if other != row_key {
                    others.push((at, other));
                }
            }
            others.sort_unstable();
            let surplus = (others.len() + 1).saturating_sub(KNOWN_ADDRESSES_PER_USER_MAX);
            let gone = others.into_iter().take(surplus);
            let mut changes: Vec<_> = gone.map(|(_, other)| (other, None)).collect();
            changes.push((row_key, Some(encode(&now_ms)?)));
            Ok((changes, ()))
        })
        .await
    }
}

fn address_key(user: UserNo, address: &Source) -> Vec<u8> {
    key(
        kind::KNOWN_ADDRESS,
        &[&user.0.to_be_bytes(), address.bytes()],
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::cheap_vault;
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn address(number: u64) -> Source {
        Source::new("test", &[&number.to_be_bytes()])
    }

    #[tokio::test]
    async fn an_address_is_known_to_its_account_and_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        let knows = |user, at| vault.knows_address(user, &address(1), at).unwrap();
        assert!(!knows(UserNo(1), NOW));
        vault
            .note_address(UserNo(1), &address(1), NOW)
            .await
            .unwrap();
        assert!(knows(UserNo(1), NOW));
        assert!(!knows(UserNo(2), NOW));
        assert!(!knows(UserNo(1), NOW + KNOWN_MS));
        let later = NOW + NOTE_STEP_MS;
        vault
            .note_address(UserNo(1), &address(1), later)
            .await
            .unwrap();
        assert!(knows(UserNo(1), NOW + KNOWN_MS));
    }

    #[tokio::test]
    async fn the_address_used_longest_ago_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        for number in 0..=KNOWN_ADDRESSES_PER_USER_MAX as u64 {
            let at = NOW + i64::try_from(number).unwrap();
            let address = address(number);
            let noted = vault.note_address(UserNo(1), &address, at);
            noted.await.unwrap();
        }
        let knows = |number| vault.knows_address(UserNo(1), &address(number), NOW);
        assert!(!knows(0).unwrap());
        assert!(knows(1).unwrap());
        assert!(knows(KNOWN_ADDRESSES_PER_USER_MAX as u64).unwrap());
        let prefix = [kind::KNOWN_ADDRESS];
        let rows = vault.inner.store.scan(&prefix, &[], 99).unwrap();
        assert_eq!(rows.len(), KNOWN_ADDRESSES_PER_USER_MAX);
    }
}
