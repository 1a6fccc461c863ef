//! The simulator over the engine's runners: the component that ships, and journals as sessions.

mod kernel;
mod session;

pub use kernel::{component, runners};
pub use session::write_session;
