//! The boundary with the host: the inputs and results of a step, and their encoding.

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
