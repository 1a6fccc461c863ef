//! Settings of the federation's transport.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::invitation::CodeKdf;

/// How the service communicates with its peers. Settings that the kernel decides by are in its
/// [`Config`](causeway_kernel::model::Config) instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FederationSettings {
    /// Time from the start of one round of pings to the next, in ms. A peer counts as online for five minutes
    /// after an answer, so this must stay well below.
    pub ping_period_ms: u64,
    /// Time limit for a ping or a confirmation, in ms.
    pub ping_timeout_ms: u64,
    /// Time limit for a message, in ms.
    pub send_timeout_ms: u64,
    /// Time limit for opening a connection, in ms.
    pub connect_timeout_ms: u64,
    /// How the keys of new invitation codes are derived. `scrypt` codes are opened by servers of
    /// every generation, `pbkdf2` ones by 11.0 and later only.
    pub code_kdf: CodeKdf,
    /// Whether a server of 2021 may accept our invitations. It never replaces the invitation's token, so that
    /// token stays valid as long as the connection exists: anyone who still has the code and its password can
    /// speak in the peer's name (CVE-2025-13324). Newer servers rotate the token regardless of this setting;
    /// if it is off, only they can accept.
    pub allow_unrotated_tokens: bool,
    /// Whether peers may have loopback, private or otherwise internal addresses. Workspaces of one
    /// organisation often do; strangers' do not, and a peer's address comes from an invitation or a
    /// confirmation: anyone with a code could make this service call its own network. Link-local addresses
    /// (which clouds use for their metadata), multicast and broadcast ones are never called.
    pub allow_private_targets: bool,
}

impl Default for FederationSettings {
    fn default() -> FederationSettings {
        FederationSettings {
            ping_period_ms: 60_000,
            ping_timeout_ms: 15_000,
            send_timeout_ms: 60_000,
            connect_timeout_ms: 10_000,
            code_kdf: CodeKdf::Scrypt,
            allow_unrotated_tokens: false,
            allow_private_targets: false,
        }
    }
}

impl FederationSettings {
    pub(super) fn ping_period(&self) -> Duration {
        // A period of zero would be a busy loop.
        Duration::from_millis(self.ping_period_ms.max(10))
    }

    pub(super) fn ping_timeout(&self) -> Duration {
        Duration::from_millis(self.ping_timeout_ms)
    }

    pub(super) fn send_timeout(&self) -> Duration {
        Duration::from_millis(self.send_timeout_ms)
    }

    pub(super) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }
}
