//! Integrations that people set up: incoming webhooks and custom slash commands.
//!
//! They are kept here because each contains a secret that must be readable: whoever knows a webhook's id writes
//! in its owner's name, and an integration recognises this workspace by its command's token.

use causeway_kernel::rows::id::{ChannelNo, Id, TeamNo, UserNo};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Secret, SecretStore, Vault, VaultError, decode, encode, key, kind, random, read_row};

/// Maximum incoming webhooks of a workspace; a further one is refused.
pub const HOOKS_MAX: usize = 1_000;
/// Maximum custom slash commands of a workspace; a further one is refused.
pub const COMMANDS_MAX: usize = 1_000;

/// An address at which a program may write in a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncomingHook {
    /// Identifies it, and is the secret part of its address.
    pub id: Id,
    /// When it was created, in ms.
    pub create_at: i64,
    /// Its last change, in ms.
    pub update_at: i64,
    /// In whose name it writes.
    pub user: UserNo,
    /// Its team.
    pub team: TeamNo,
    /// Where it writes unless the program names another channel.
    pub channel: ChannelNo,
    /// Whether it writes nowhere else.
    pub channel_locked: bool,
    /// Its name for people.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// Name that its messages should have; kept, but messages are shown as their author's.
    pub username: String,
    /// Picture that its messages should have; kept like `username`.
    pub icon_url: String,
}

/// A command that calls an integration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SlashCommand {
    /// Identifies it.
    pub id: Id,
    /// By which the integration recognises this workspace.
    pub token: Secret,
    /// When it was created, in ms.
    pub create_at: i64,
    /// Its last change, in ms.
    pub update_at: i64,
    /// Who created it.
    pub creator: UserNo,
    /// The team whose members may use it.
    pub team: TeamNo,
    /// Its name, without the slash.
    pub trigger: String,
    /// Whether it is called with GET, not POST.
    pub is_get: bool,
    /// Name that its responses should have; kept, but responses are shown as their author's.
    pub username: String,
    /// Picture that its responses should have; kept like `username`.
    pub icon_url: String,
    /// Whether clients offer it while a message is typed.
    pub auto_complete: bool,
    /// What clients say about it then.
    pub auto_complete_desc: String,
    /// Its arguments as clients show them then.
    pub auto_complete_hint: String,
    /// Its name for people.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// The integration's address.
    pub url: String,
}

/// Why an integration was not saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSaved {
    /// The workspace has as many as it may have.
    Full,
    /// The team has another command of that name.
    TriggerTaken,
    /// It was removed meanwhile.
    Gone,
}

/// A kind of integration.
pub trait Integration: Serialize + for<'de> Deserialize<'de> + Clone + Send + 'static {
    /// First byte of its rows' keys.
    const KIND: u8;
    /// Maximum in a workspace.
    const COUNT_MAX: usize;

    /// Its id.
    fn id(&self) -> Id;

    /// Whether the two cannot exist side by side.
    fn excludes(&self, other: &Self) -> bool;
}

impl Integration for IncomingHook {
    const KIND: u8 = kind::INCOMING_HOOK;
    const COUNT_MAX: usize = HOOKS_MAX;

    fn id(&self) -> Id {
        self.id
    }

    fn excludes(&self, _: &Self) -> bool {
        false
    }
}

impl Integration for SlashCommand {
    const KIND: u8 = kind::SLASH_COMMAND;
    const COUNT_MAX: usize = COMMANDS_MAX;

    fn id(&self) -> Id {
        self.id
    }

    fn excludes(&self, other: &Self) -> bool {
        self.team == other.team && self.trigger == other.trigger
    }
}

impl Vault {
    /// Creates an integration.
    ///
    /// # Errors
    /// Those of the store; inside, why it was not saved.
    pub async fn create_integration<T: Integration>(
        &self,
        row: &T,
    ) -> Result<Result<(), NotSaved>, VaultError> {
        let row = row.clone();
        self.write(move |store| {
            let others: Vec<T> = all(store)?;
            if others.len() >= T::COUNT_MAX {
                return Ok((Vec::new(), Err(NotSaved::Full)));
            }
            saved(&row, &others)
        })
        .await
        .map(|saved| saved.map(|_| ()))
    }

    /// Changes an integration as it is when nobody else changes it, and returns it.
    ///
    /// # Errors
    /// Those of the store; inside, why it was not saved.
    pub async fn change_integration<T: Integration>(
        &self,
        id: Id,
        change: impl FnOnce(&mut T) + Send + 'static,
    ) -> Result<Result<T, NotSaved>, VaultError> {
        self.write(move |store| {
            let mut all: Vec<T> = all(store)?;
            let Some(at) = all.iter().position(|row| row.id() == id) else {
                return Ok((Vec::new(), Err(NotSaved::Gone)));
            };
            let mut row = all.swap_remove(at);
            change(&mut row);
            saved(&row, &all)
        })
        .await
    }

    /// An integration.
    ///
    /// # Errors
    /// Those of the store.
    pub fn integration<T: Integration>(&self, id: Id) -> Result<Option<T>, VaultError> {
        self.read(&row_key::<T>(id))
    }

    /// All integrations of a kind, in the order of their ids.
    ///
    /// # Errors
    /// Those of the store.
    pub fn integrations<T: Integration>(&self) -> Result<Vec<T>, VaultError> {
        all(self.inner.store.as_ref())
    }

    /// Removes an integration; returns whether there was one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn remove_integration<T: Integration>(&self, id: Id) -> Result<bool, VaultError> {
        self.write(move |store| {
            let found: Option<T> = read_row(store, &row_key::<T>(id))?;
            Ok((vec![(row_key::<T>(id), None)], found.is_some()))
        })
        .await
    }

    /// The key with which what an integration is sent back is sealed; made when it is first needed.
    ///
    /// # Errors
    /// Those of the store, or no randomness.
    pub async fn integration_key(&self) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        self.write(|store| {
            let key = key(kind::INTEGRATION_KEY, &[]);
            if let Some(found) = read_row::<[u8; 32]>(store, &key)? {
                return Ok((Vec::new(), Zeroizing::new(found)));
            }
            let made = random::<32>()?;
            Ok((vec![(key, Some(encode(&made)?))], Zeroizing::new(made)))
        })
        .await
    }
}

/// The change that saves a row beside others, if it can exist beside them.
#[allow(clippy::type_complexity, reason = "what a change of the vault returns")]
fn saved<T: Integration>(
    row: &T,
    others: &[T],
) -> Result<(Vec<super::Change>, Result<T, NotSaved>), VaultError> {
    if others.iter().any(|other| row.excludes(other)) {
        return Ok((Vec::new(), Err(NotSaved::TriggerTaken)));
    }
    let change = (row_key::<T>(row.id()), Some(encode(row)?));
    Ok((vec![change], Ok(row.clone())))
}

fn row_key<T: Integration>(id: Id) -> Vec<u8> {
    key(T::KIND, &[id.as_bytes()])
}

fn all<T: Integration>(store: &dyn SecretStore) -> Result<Vec<T>, VaultError> {
    let rows = store.scan(&[T::KIND], &[], T::COUNT_MAX)?;
    rows.iter().map(|(_, row)| decode(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::cheap_vault;
    use super::super::{VAULT_FILE, new_id};
    use super::*;

    fn hook(id: Id) -> IncomingHook {
        IncomingHook {
            id,
            create_at: 1,
            update_at: 1,
            user: UserNo(1),
            team: TeamNo(1),
            channel: ChannelNo(1),
            channel_locked: false,
            display_name: "builds".into(),
            description: String::new(),
            username: String::new(),
            icon_url: String::new(),
        }
    }

    fn command(team: u64, trigger: &str) -> SlashCommand {
        SlashCommand {
            id: new_id().unwrap(),
            token: Secret::token().unwrap(),
            create_at: 1,
            update_at: 1,
            creator: UserNo(1),
            team: TeamNo(team),
            trigger: trigger.into(),
            is_get: false,
            username: String::new(),
            icon_url: String::new(),
            auto_complete: true,
            auto_complete_desc: String::new(),
            auto_complete_hint: String::new(),
            display_name: String::new(),
            description: String::new(),
            url: "https://ci.example/run".into(),
        }
    }

    #[tokio::test]
    async fn integrations_are_kept_changed_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        let mut row = hook(new_id().unwrap());
        assert_eq!(vault.create_integration(&row).await.unwrap(), Ok(()));
        row.display_name = "other".into();
        let rename = |row: &mut IncomingHook| row.display_name = "other".into();
        let changed = vault.change_integration(row.id, rename).await.unwrap();
        assert_eq!(changed, Ok(row.clone()));
        drop(vault);
        let vault = cheap_vault(folder.path());
        assert_eq!(vault.integration(row.id).unwrap(), Some(row.clone()));
        assert_eq!(vault.integrations::<IncomingHook>().unwrap(), [row.clone()]);
        let remove = || vault.remove_integration::<IncomingHook>(row.id);
        assert!(remove().await.unwrap());
        assert!(!remove().await.unwrap());
        assert_eq!(vault.integration::<IncomingHook>(row.id).unwrap(), None);
        let changed = vault.change_integration(row.id, rename).await.unwrap();
        assert_eq!(changed, Err(NotSaved::Gone));
    }

    #[tokio::test]
    async fn a_trigger_belongs_to_one_command_of_a_team() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        let deploy = command(1, "deploy");
        for (command, expected) in [
            (&deploy, Ok(())),
            (&command(1, "deploy"), Err(NotSaved::TriggerTaken)),
            (&command(2, "deploy"), Ok(())),
            (&command(1, "other"), Ok(())),
        ] {
            assert_eq!(vault.create_integration(command).await.unwrap(), expected);
        }
        for (trigger, is_free) in [("deploy", true), ("other", false), ("third", true)] {
            let rename = move |row: &mut SlashCommand| row.trigger = trigger.into();
            let changed = vault.change_integration(deploy.id, rename).await.unwrap();
            assert_eq!(changed.is_ok(), is_free, "{trigger}");
        }
    }

    #[tokio::test]
    async fn there_are_only_so_many() {
        let folder = tempfile::tempdir().unwrap();
        let vault = cheap_vault(folder.path());
        let rows = (0..HOOKS_MAX).map(|_| hook(new_id().unwrap()));
        let changes =
            rows.map(|row| (row_key::<IncomingHook>(row.id), Some(encode(&row).unwrap())));
        let changes: Vec<_> = changes.collect();
        vault.inner.store.commit(&changes).unwrap();
        let another = hook(new_id().unwrap());
        let refused = vault.create_integration(&another).await.unwrap();
        assert_eq!(refused, Err(NotSaved::Full));
        let id = vault.integrations::<IncomingHook>().unwrap()[7].id;
        let lock = |row: &mut IncomingHook| row.channel_locked = true;
        assert!(vault.change_integration(id, lock).await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn the_sealing_key_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let key = cheap_vault(folder.path()).integration_key().await.unwrap();
        let again = cheap_vault(folder.path()).integration_key().await.unwrap();
        assert_eq!(*key, *again);
        assert!(folder.path().join(VAULT_FILE).exists());
    }
}
