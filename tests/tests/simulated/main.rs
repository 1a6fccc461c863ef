//! What the simulator cannot do alone: the component that ships in its world, and the engine's
//! files on disks that forget, tear and fail.

mod component;
mod flips;
mod inputs;
mod model;
mod power_cuts;
mod worlds;
