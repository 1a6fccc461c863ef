//! Recorded sessions of a workspace.

pub mod mask;
