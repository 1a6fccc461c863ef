//! The sync kernel: a workspace as a deterministic state machine.
//!
//! [`step()`](step::step) takes one input and returns a reply, writes and effects; it depends on the input, the
//! tables, the step's time and seed and the policies' verdicts, and on nothing else. There is no
//! I/O, clock, thread, random source or memory between steps in this crate.

pub mod command;
pub mod env;
pub mod id;
pub mod input;
pub mod key;
pub mod model;
pub mod output;
pub mod policy;
pub mod step;
pub mod table;
pub mod tx;
pub mod wire;
