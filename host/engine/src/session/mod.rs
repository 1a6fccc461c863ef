//! Recorded sessions: a part of a workspace's life in one file, which replays anywhere.
//!
//! The journal is the recording. [`export`] takes a range of it out into a file that holds all that
//! a replay needs: the rows at the start, the kernels, every input with its time and seed, the
//! policies' verdicts, and what every step returned. [`replay_session`] carries the steps out again,
//! by the kernels that are recorded or by another, and compares field by field. Masked sessions
//! hold stand-ins for all that people wrote; see [`mask`]. To look into one, nothing is carried out:
//! [`describe`] puts steps into words, [`why`] follows a post, [`state`] shows what stood when.

mod block;
pub mod chain;
mod codec;
pub mod describe;
pub mod difference;
mod export;
pub mod format;
pub mod legible;
pub mod mask;
mod reader;
pub mod register;
mod replay;
pub mod rows;
pub mod select;
pub mod state;
pub mod stock;
pub mod subjects;
pub mod walk;
mod why;
pub mod words;
mod writer;

pub use block::Block;
pub use export::{ExportError, ExportOptions, Exported, export};
pub use reader::{SessionError, SessionFile};
pub use replay::{KernelChoice, ReplayOptions, SessionReplayError, SessionReport, replay_session};
pub use why::{Fact, Why, why};
pub use writer::Writer;
