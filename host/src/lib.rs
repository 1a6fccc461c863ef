//! The Causeway service: everything around the workspace's one state machine.

pub mod federation;
pub mod http;
pub mod metrics;
pub mod vault;
