//! The Causeway service: everything around the workspace's one state machine.

pub mod federation;
pub mod vault;
