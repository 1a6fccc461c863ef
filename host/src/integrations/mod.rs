//! Integrations: programs that write in channels (incoming webhooks), that people call (custom slash commands), and
//! whose buttons and menus stand in messages. Client API §6.6.
//!
//! All of them belong to one workspace. What they are is kept in the vault, because their addresses and tokens are
//! secrets; what they write enters the journal as posts of the people who set them up or called them, who need the
//! same permissions as if they had written it. In a channel shared with other workspaces they work only with
//! `EnableSharedChannelsPlugins`, and as the policies allow.

mod actions;
mod caller;
mod marks;
mod message;
mod replies;
mod seal;
mod settings;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use causeway_kernel::rows::id::UserNo;
use tokio::sync::{OnceCell, Semaphore};

pub use actions::{Cookies, Pressed, Target, Updated, find};
pub use caller::{CallFailed, is_address};
pub use marks::{FROM_BOT, marks_of, with_marks};
pub use message::{Message, beginning};
pub use replies::Reply;
pub use seal::{Place, Sealer};
pub use settings::IntegrationSettings;

use crate::http::ApiError;
use crate::http::client::GuardedClient;
use crate::http::target::TargetPolicy;
use crate::vault::{Vault, VaultError};
use replies::Replies;

/// Maximum integrations that are called at the same time; a further call is refused.
const CALLS_MAX: usize = 64;
/// Maximum of them for one user.
const CALLS_PER_USER_MAX: usize = 4;
/// Time limit for opening a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What the service needs to work with integrations.
pub struct Integrations {
    client: GuardedClient,
    timeout: Duration,
    sealer: OnceCell<Sealer>,
    /// Addresses at which integrations may still answer a command.
    pub replies: Replies,
    calls: Semaphore,
    calls_of: Mutex<BTreeMap<UserNo, usize>>,
}

impl Integrations {
    /// Prepares them.
    #[must_use]
    pub fn new(settings: &IntegrationSettings) -> Integrations {
        let policy = TargetPolicy {
            allow_private: settings.allow_private_targets,
            section: "integrations",
        };
        Integrations {
            // None is kept idle: a message may name a hundred servers.
            client: GuardedClient::new(policy, CONNECT_TIMEOUT, 0),
            timeout: settings.timeout(),
            sealer: OnceCell::new(),
            replies: Replies::default(),
            calls: Semaphore::new(CALLS_MAX),
            calls_of: Mutex::default(),
        }
    }

    /// What seals the addresses behind buttons; its key is made when it is first needed.
    ///
    /// # Errors
    /// Those of the vault.
    pub async fn sealer(&self, vault: &Vault) -> Result<&Sealer, VaultError> {
        let make = || async {
            let key = vault.integration_key().await?;
            Ok(Sealer::new(&key))
        };
        self.sealer.get_or_try_init(make).await
    }

    /// Seals the addresses of all buttons and menus in the properties of a message.
    ///
    /// # Errors
    /// 400 if one of them cannot be used; those of the vault.
    pub async fn seal(
        &self,
        vault: &Vault,
        props: String,
        place: Place,
        cookies: Cookies,
    ) -> Result<String, ApiError> {
        if !actions::may_have_some(&props) {
            return Ok(props);
        }
        actions::seal(self.sealer(vault).await?, props, place, cookies)
    }
}
