//! The rows of a workspace: in memory what is younger than the last checkpoint, below it the
//! tables on disk.
//!
//! The writer puts the rows of every step into the memory tables, by the step's number. Readers
//! see what is durable in the journal and nothing younger. Now and then the memory tables are
//! frozen, written to disk in one transaction and dropped. A row that is not on disk yet can
//! always be made again from the journal.

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
