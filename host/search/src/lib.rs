//! Search: an index of the texts of a workspace. It is a cache of the tables and never a source of truth: it
//! follows the durable changes on a thread of its own, is built again when it is missing or damaged, and
//! whatever it finds is checked against the rows before anybody sees it.

mod find;
mod index;
mod indexer;
pub mod query;
pub mod text;

pub use find::{FilesFound, PER_PAGE_MAX, PostsFound, Request};
pub use indexer::{FOLLOWED, Search, SearchError};
