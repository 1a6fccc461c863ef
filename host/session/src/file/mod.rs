//! The session file: its format, and how it is written and read.

mod block;
pub mod chain;
pub(crate) mod codec;
mod error;
pub mod format;
pub mod limits;
mod reader;
mod writer;

pub use block::Block;
pub use error::SessionError;
pub use reader::{Blocks, SessionFile};
pub use writer::Writer;
