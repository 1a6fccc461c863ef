//! The step engine: takes inputs, runs the kernel over the rows, records every step in the
//! journal and releases replies and effects once they are durable.

mod changes;
mod clock;
mod data_dir;
pub mod disk;
mod engine;
pub mod journal;
pub mod policy;
mod repeated;
mod replay;
pub mod runtime;
mod status;
mod step;
mod store;
pub mod testing;
mod writer;

pub use changes::{Batch, Changed, Changes};
pub use clock::{Clock, SteadyClock, SystemClock};
pub use data_dir::error::OpenError;
pub use data_dir::hold;
pub use data_dir::identity::installed_at_ms;
pub use data_dir::kernels::Kernels;
pub use data_dir::owner::Owner;
pub use data_dir::recording::RecordingStatus;
pub use data_dir::retention::Retention;
pub use engine::{Engine, EngineOptions};
pub use repeated::RepeatedLine;
pub use replay::replayer::{Difference, ReplayError};
pub use replay::{DataDirReplay, ReplayDirError, ReplayReport, replay};
pub use runtime::acceptance::{KernelRefusal, check_accepted};
pub use status::EngineStatus;
pub use store::{
    CheckedRows, MemoryRows, Position, ScratchRows, Snapshot, TablesError, range, rows_digest,
};
pub use writer::queue::{FRAMES_PER_CONNECTION_MAX, LOCAL_MAX, RECEIPTS_MAX};

/// Why an input was not carried out. All of these mean "try again later": HTTP 503.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The disk is full or failing; reads still work.
    #[error("the workspace is read-only: {0}")]
    ReadOnly(String),
    /// Too many inputs are queued.
    #[error("the workspace is overloaded")]
    Overloaded,
    /// The service is shutting down.
    #[error("the workspace is shutting down")]
    ShuttingDown,
    /// The step was stopped; nothing changed.
    #[error("the step was stopped: {0}")]
    Stopped(String),
}
