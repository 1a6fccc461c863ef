//! The simulator over the engine's own parts: its runners, so that the component that ships takes
//! part; its journal and tables, on a disk that forgets; journals as sessions.

pub mod disk;
mod kernel;
mod session;
pub mod store;
pub mod workspace;

pub use kernel::{component, runners};
pub use session::write_session;
