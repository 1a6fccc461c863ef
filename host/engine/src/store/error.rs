//! Errors of the tables on disk.

use std::fmt;
use std::io;

/// Why the tables cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the tables: {text}")]
pub struct TablesError {
    text: String,
    is_damage: bool,
}

impl<E: Into<redb::Error>> From<E> for TablesError {
    fn from(error: E) -> TablesError {
        let error = error.into();
        TablesError {
            text: error.to_string(),
            is_damage: match &error {
                redb::Error::Corrupted(_) => true,
                redb::Error::Io(error) => is_damage(error.kind()),
                _ => false,
            },
        }
    }
}

/// Whether the content of a file is wrong, as opposed to a failing disk.
fn is_damage(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
    )
}

impl TablesError {
    /// An error of another kind with the same consequence: the tables cannot be used.
    #[must_use]
    pub fn from_text(error: &dyn fmt::Display) -> TablesError {
        TablesError {
            text: error.to_string(),
            is_damage: false,
        }
    }

    /// The content of the file is not what was written.
    #[must_use]
    pub fn damage(what: &str) -> TablesError {
        TablesError {
            text: format!("{what}: the disk has damaged it"),
            is_damage: true,
        }
    }

    /// Whether the file is damaged: retrying does not help, but the tables can be rebuilt from the
    /// journal.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        self.is_damage
    }
}

impl From<TablesError> for io::Error {
    fn from(error: TablesError) -> io::Error {
        io::Error::other(error.to_string())
    }
}
