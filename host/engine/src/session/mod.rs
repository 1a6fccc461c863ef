//! Recorded sessions: a part of a workspace's life in one file, which replays anywhere.
//!
//! The journal is the recording. [`export`] takes a range of it out into a file that holds all that
//! a replay needs: the rows at the start, the kernels, every input with its time and seed, the
//! policies' verdicts, and what every step returned. [`replay_session`] carries the steps out again,
//! by the kernels that are recorded or by another, and compares field by field. Masked sessions
//! hold stand-ins for all that people wrote; see [`mask`].

pub mod chain;
mod codec;
pub mod difference;
mod export;
pub mod format;
mod host;
pub mod legible;
pub mod mask;
mod reader;
pub mod register;
mod replay;
pub mod rows;
pub mod stock;
pub mod subjects;
mod writer;

pub use export::{ExportError, ExportOptions, Exported, export};
pub use reader::{SessionError, SessionFile};
pub use replay::{KernelChoice, ReplayOptions, SessionReplayError, SessionReport, replay_session};
pub use writer::Writer;
