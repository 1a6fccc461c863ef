//! Fuzz targets for code that parses foreign bytes.
//!
//! A [`Target`] is a function that takes any bytes and panics if something happens that must not
//! happen for any input. `make test` runs each target on its seeds, on earlier findings (the
//! files in `corpus/`), and on a few changes of both made by proptest; `make fuzz` lets
//! libFuzzer explore the branches that they reach, for as long as it is given.

pub mod mutate;
mod seeds;
mod target;

pub use target::{TARGETS, Target};
