//! The sync kernel: a workspace as a deterministic state machine.
//!
//! [`step()`](step::step) takes one input and returns a reply, writes and effects; it depends on the input, the
//! tables, the step's time and seed and the policies' verdicts, and on nothing else. There is no
//! I/O, clock, thread, random source or memory between steps in this crate.

pub mod authority;
pub mod behaviour;
pub mod bisect;
pub mod channels;
pub mod codec;
pub mod command;
pub mod connection;
pub mod counters;
mod drafts;
pub mod due;
pub mod env;
pub mod feed;
pub mod id;
pub mod inbound;
pub mod input;
pub mod jobs;
pub mod key;
pub mod limits;
pub mod lookup;
pub mod members;
pub mod model;
pub mod naming;
pub mod outbound;
pub mod output;
pub mod policy;
pub mod posts;
pub mod query;
pub mod reactions;
pub mod render;
pub mod sharing;
pub mod step;
pub mod table;
pub mod testing;
pub mod tx;
pub mod users;
pub mod wire;
