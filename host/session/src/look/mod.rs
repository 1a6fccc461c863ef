//! Looks into a session without carrying anything out: [`describe`] puts steps into words, [`why`]
//! follows a post, [`state`] shows what stood when.

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
