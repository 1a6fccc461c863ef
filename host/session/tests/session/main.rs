//! Sessions of whole workspaces: exported, masked, replayed and inspected.

// Test helpers may panic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod exports;
mod hostile;
mod look;
mod mask;
#[path = "../../../engine/tests/engine/support/script.rs"]
mod script;
