//! The boundary with the host: what goes into a step, what comes out of it, and in which bytes.

pub mod behaviour;
pub mod codec;
pub mod due_run;
pub mod env;
pub mod envelope;
pub mod frame_run;
pub mod input;
pub mod kind;
pub mod output;
pub mod policy;
pub mod texts;
