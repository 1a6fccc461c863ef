//! Data directories as arguments of the command line.

use std::path::{Path, PathBuf};

/// Whether a directory is a data directory, that is, has a journal.
pub fn is_one(path: &Path) -> bool {
    path.join("journal").is_dir()
}

/// Parses the path of an existing data directory, for clap.
pub fn parse(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if is_one(&path) {
        return Ok(path);
    }
    Err(if !path.exists() {
        "it does not exist".to_string()
    } else if path.is_dir() {
        "it is not a data directory: it has no `journal`".to_string()
    } else {
        "it is a file, not a data directory".to_string()
    })
}
