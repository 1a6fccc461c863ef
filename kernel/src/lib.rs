//! The sync kernel: a workspace as a deterministic state machine.
//!
//! [`step()`](step::step) takes one input and returns a reply, writes and effects; it depends only on the
//! input, the tables, the step's time and seed and the policies' verdicts. There is no I/O, clock, thread,
//! random source or memory between steps in this crate.

pub mod authority;
pub mod boundary;
pub mod command;
pub mod gate;
pub mod inbound;
pub mod mention;
pub mod model;
pub mod objects;
pub mod outbound;
pub mod rows;
pub mod sharing;
pub mod step;
#[cfg(test)]
mod testing;
pub mod wire;
