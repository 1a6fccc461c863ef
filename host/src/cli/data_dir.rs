//! Data directories as arguments of the command line.

use std::path::{Path, PathBuf};

/// Whether a folder is a data directory: whether it has a journal.
pub fn is_one(path: &Path) -> bool {
    path.join("journal").is_dir()
}

/// A data directory that exists, for clap.
pub fn parse(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if is_one(&path) {
        return Ok(path);
    }
    Err(if !path.exists() {
        "it does not exist".to_string()
    } else if path.is_dir() {
        "there is no `journal` in it, so it is no data directory".to_string()
    } else {
        "it is a file; a data directory is wanted here".to_string()
    })
}
