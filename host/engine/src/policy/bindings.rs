//! The types and calls of the contract, in both versions that run here.
//!
//! The exports of a component are looked up gate by gate; the worlds only list them.

#![allow(
    unsafe_code,
    missing_docs,
    dead_code,
    reason = "generated: values cross the component's boundary by raw memory"
)]

/// The current version.
pub mod v0_3 {
    wasmtime::component::bindgen!({
        world: "all-gates",
        path: "../../wit/policy",
    });
}

/// The version before it.
pub mod v0_2 {
    wasmtime::component::bindgen!({
        world: "post-policy",
        path: "../../wit/policy-0.2",
    });
}
