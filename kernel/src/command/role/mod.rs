//! Roles and what they grant.

mod patch;

pub use patch::PatchRole;
