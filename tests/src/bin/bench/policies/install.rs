//! The shipped policies with settings as workspaces have them, and putting them in force.

use std::fs;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_tests::command::component;
use causeway_tests::scene::Side;
use serde_json::json;

/// A policy: its name, which is that of its component, and its settings.
pub type Shipped = (&'static str, &'static str);

pub const CONTENT_FILTER: Shipped = (
    "content-filter",
    "falcon\nproject falcon\n[outbound]\nsalary\n/ACME-[0-9]{6}/\n[inbound mask]\nlottery\n",
);
pub const DM_GATE: Shipped = (
    "dm-gate",
    r#"{ "default": "deny", "connections": { "globex": "allow", "acme": "allow" } }"#,
);
pub const FILE_GATE: Shipped = (
    "file-gate",
    r#"{ "rules": [{ "deny": { "extensions": ["exe", "bat"] } }, { "max_bytes": 50000000 }] }"#,
);
pub const PROFILE_PRIVACY: Shipped = (
    "profile-privacy",
    r#"{ "rules": [{ "direction": "outbound", "strip": ["email", "position"] }] }"#,
);
pub const QUIET_HOURS: Shipped = (
    "quiet-hours",
    r#"{ "open": [{ "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "00:00", "to": "24:00" }] }"#,
);

/// The policies whose cost for a backlog is measured.
pub const DEFAULT_GATES: [Shipped; 4] = [CONTENT_FILTER, DM_GATE, FILE_GATE, PROFILE_PRIVACY];

/// The bytes of a shipped component.
pub fn bytes(name: &str) -> Result<Vec<u8>> {
    Ok(fs::read(component(&format!("policies/{name}.wasm"))?)?)
}

/// Loads or swaps a policy.
pub async fn load(side: &Side, slot: &str, component: &[u8], settings: &str) -> Result<()> {
    let body = json!({ "component": STANDARD.encode(component), "settings": settings });
    let path = format!("/causeway/policies/{slot}");
    side.admin.put(&path, body).await?;
    Ok(())
}

/// Loads the default gates.
pub async fn close_gates(side: &Side) -> Result<()> {
    for (name, settings) in DEFAULT_GATES {
        load(side, name, &bytes(name)?, settings).await?;
    }
    Ok(())
}

/// Unloads them.
pub async fn open_gates(side: &Side) -> Result<()> {
    for (name, _) in DEFAULT_GATES {
        side.admin
            .delete(&format!("/causeway/policies/{name}"))
            .await?;
    }
    Ok(())
}
