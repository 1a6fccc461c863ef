//! The step engine: takes inputs, runs the kernel over the rows, records every step in the
//! journal and releases replies and effects once they are durable.

mod acceptance;
mod alarm;
mod clock;
pub mod disk;
mod engine;
pub mod hold;
mod identity;
pub mod journal;
mod kernels;
mod layout;
pub mod parts;
pub mod policy;
mod queue;
mod recover;
mod replay;
mod replayer;
mod retention;
pub mod runtime;
pub mod session;
mod snapshot;
mod status;
mod step;
mod store;
mod writer;

pub use acceptance::{KernelRefusal, check_accepted};
pub use clock::{Clock, SteadyClock, SystemClock};
pub use engine::{Engine, EngineOptions};
pub use queue::{FRAMES_PER_CONNECTION_MAX, LOCAL_MAX, RECEIPTS_MAX};
pub use recover::OpenError;
pub use replay::{DataDirReplay, ReplayDirError, ReplayReport, replay};
pub use replayer::{Difference, ReplayError};
pub use retention::Retention;
pub use status::EngineStatus;
pub use store::{Position, Snapshot};

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
