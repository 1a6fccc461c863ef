//! Rows: tables and keys, a step's transaction over them, and the bookkeeping that every step shares
//! (counters, due times, jobs).

pub mod counters;
mod drafts;
pub mod due;
pub mod fixture;
pub mod id;
pub mod jobs;
pub mod key;
pub mod lookup;
pub mod memory;
mod numbers;
mod overlay;
pub mod record;
pub mod retry;
pub mod table;
pub mod testing;
pub mod tx;
