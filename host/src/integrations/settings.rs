//! Settings of integrations.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How integrations are called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IntegrationSettings {
    /// Time limit for an integration's answer, in ms: at least 100, at most 5 minutes.
    pub timeout_ms: u64,
    /// Whether integrations may have loopback, private or otherwise internal addresses. Any member of a team may
    /// choose the address behind a button, so if this is on, they make this service call its own network.
    pub allow_private_targets: bool,
}

impl Default for IntegrationSettings {
    fn default() -> IntegrationSettings {
        IntegrationSettings {
            timeout_ms: 30_000,
            allow_private_targets: false,
        }
    }
}

impl IntegrationSettings {
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms.clamp(100, 300_000))
    }
}
