//! The engine on real files, with the real component: kernels, policies, durability; and the mask
//! of exported sessions.

// Helpers of tests may fail loudly.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod clocks;
mod durable;
mod full_disk;
mod kernel_component;
mod look;
mod mask;
mod policies;
mod releases;
mod retention;
mod sessions;
mod stops;
mod support;
