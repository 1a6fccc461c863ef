//! The engine on real files, with the real component: kernels, policies, durability.

// Test helpers may panic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod clocks;
mod damage;
mod durable;
mod full_disk;
mod kernel_component;
mod policies;
mod releases;
mod retention;
mod stops;
mod support;
