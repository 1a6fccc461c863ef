//! The simulator combined with the engine's own parts: its runners, which include the component that
//! ships; its journal and tables, on a faulty disk; and journals as sessions.

pub mod disk;
mod kernel;
mod session;
pub mod store;
pub mod workspace;

pub use kernel::{component, runners};
pub use session::write_session;
