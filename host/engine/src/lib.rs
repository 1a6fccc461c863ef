//! The step engine: takes inputs, runs the kernel over the tables, records every step in the
//! journal and releases replies and effects once they are durable.

pub mod memory;
pub mod policy;
pub mod runtime;

pub use memory::{Clock, Engine, EngineOptions, EngineStatus, OpenError, Snapshot, SystemClock};

/// Why an input was not carried out. All of these mean "try again": HTTP 503.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The disk is full or failing; reads go on.
    #[error("the workspace is read-only: {0}")]
    ReadOnly(String),
    /// Too many inputs wait already.
    #[error("the workspace is overloaded")]
    Overloaded,
    /// The service ends.
    #[error("the workspace is shutting down")]
    ShuttingDown,
    /// The step was stopped; nothing changed.
    #[error("the step was stopped: {0}")]
    Stopped(String),
}
