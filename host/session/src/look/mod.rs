//! Inspects a session without carrying anything out: [`describe`] puts steps into words, [`why`]
//! follows a post, [`state`] shows the rows as of an entry.

pub mod as_json;
pub mod describe;
pub mod difference;
pub mod names;
pub mod select;
pub mod state;
pub mod subjects;
pub mod walk;
mod why;

pub use why::{Fact, Why, why};
