//! The rows of a workspace: rows newer than the last checkpoint in memory, and below them the
//! tables on disk.
//!
//! The writer puts the rows of every step into the memory tables, under the step's number. Readers
//! see only what is durable in the journal. Periodically the memory tables are frozen, written to
//! disk in one transaction and dropped. A row that is not on disk yet can always be recovered from
//! the journal.

mod base;
mod damage;
mod error;
mod memory;
pub mod range;
mod rows;
mod scratch;
mod seal;
mod view;

pub use base::{Base, Position, Tables};
pub use error::TablesError;
pub use memory::MemoryTable;
pub use rows::{MemoryRows, rows_digest};
pub use scratch::{CheckedRows, ScratchRows};
pub use view::{Snapshot, View};
