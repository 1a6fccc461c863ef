//! What can go wrong with the tables on disk.

use std::fmt;
use std::io;

/// Why the tables cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the tables: {0}")]
pub struct TablesError(String);

impl<E: Into<redb::Error>> From<E> for TablesError {
    fn from(error: E) -> TablesError {
        TablesError(error.into().to_string())
    }
}

impl TablesError {
    /// Trouble of another kind that has the same consequence: nothing is known for certain.
    #[must_use]
    pub fn from_text(error: &dyn fmt::Display) -> TablesError {
        TablesError(error.to_string())
    }
}

impl From<TablesError> for io::Error {
    fn from(error: TablesError) -> io::Error {
        io::Error::other(error.to_string())
    }
}
