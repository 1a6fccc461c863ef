//! Recorded sessions: a part of a workspace's history in one file that can be replayed anywhere.
//!
//! The journal is the recording. [`export`] writes a range of it to a file with everything that a
//! replay needs: the rows at the start, the kernels, every input with its time and seed, the
//! policies' verdicts, and what every step returned. [`replay_session`] carries out the steps again,
//! with the recorded kernels or another one, and compares field by field. Masked sessions contain
//! stand-ins for everything people wrote; see [`mask`]. Inspecting a session carries out nothing; see
//! [`look`].

mod export;
pub mod file;
pub mod look;
pub mod mask;
mod replay;

pub use export::{ExportError, ExportOptions, Exported, IDS_MAX, export};
pub use file::{SessionError, SessionFile, Writer};
pub use replay::{
    ChainSource, Change, Changed, Example, GateRehearsal, KernelChoice, Policies, Rehearsal,
    ReplayOptions, SessionReplayError, SessionReport, replay_session,
};
