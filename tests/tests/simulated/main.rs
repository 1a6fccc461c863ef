//! Simulations that need the engine: the component that ships, and the engine's
//! files on disks that lose, tear and fail writes.

mod component;
mod flips;
mod inputs;
mod model;
mod power_cuts;
mod worlds;
