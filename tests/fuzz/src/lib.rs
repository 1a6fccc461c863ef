//! What parses foreign bytes, under fuzzing.
//!
//! A [`Target`] is a function that takes any bytes and panics when something happens that must not
//! happen for any of them. `make test` runs each over its seeds, over what was found earlier (the
//! files below `corpus/`), and over a few changes of both that proptest makes; `make fuzz` lets
//! libFuzzer follow the branches that they reach, for as long as it is given.

pub mod mutate;
mod seeds;
mod target;

pub use target::{TARGETS, Target};
