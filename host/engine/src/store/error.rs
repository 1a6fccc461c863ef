//! What can go wrong with the tables on disk.

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

/// Whether it is the bytes of a file that are wrong, not the disk that refuses.
fn is_damage(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
    )
}

impl TablesError {
    /// Trouble of another kind that has the same consequence: nothing is known for certain.
    #[must_use]
    pub fn from_text(error: &dyn fmt::Display) -> TablesError {
        TablesError {
            text: error.to_string(),
            is_damage: false,
        }
    }

    /// What is in the file is not what was written.
    #[must_use]
    pub fn damage(what: &str) -> TablesError {
        TablesError {
            text: format!("{what}: the disk has damaged it"),
            is_damage: true,
        }
    }

    /// Whether the file is damaged: to read it again does not help, but its rows can be made again
    /// from the journal.
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
