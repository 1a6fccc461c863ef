//! The data directory: its files, its owner, recovery and retention.

pub(crate) mod alarm;
pub(crate) mod error;
pub mod hold;
pub(crate) mod identity;
pub(crate) mod kernels;
pub(crate) mod layout;
pub(crate) mod owner;
pub(crate) mod rebuild;
pub(crate) mod recording;
pub(crate) mod recover;
pub(crate) mod retention;
pub(crate) mod snapshot;
