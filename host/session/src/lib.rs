//! Recorded sessions: a part of a workspace's life in one file, which replays anywhere.
//!
//! The journal is the recording. [`export`] takes a range of it out into a file that holds all that
//! a replay needs: the rows at the start, the kernels, every input with its time and seed, the
//! policies' verdicts, and what every step returned. [`replay_session`] carries the steps out again,
//! by the kernels that are recorded or by another, and compares field by field. Masked sessions
//! hold stand-ins for all that people wrote; see [`mask`]. To look into one, nothing is carried out;
//! see [`look`].

mod export;
pub mod file;
pub mod look;
pub mod mask;
mod replay;

pub use export::{ExportError, ExportOptions, Exported, IDS_MAX, export};
pub use file::{SessionError, SessionFile, Writer};
pub use replay::{KernelChoice, ReplayOptions, SessionReplayError, SessionReport, replay_session};
