//! The register of exports: which sessions left a data directory, when, by whom, and whose data they contain.
//! Lines of JSON in a file of the data directory, appended durably before the session file gets its name.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use causeway_engine::Owner;
use causeway_engine::disk::sync_folder;
use causeway_engine::journal::Digest;
use causeway_session::file::format::Selection;

/// An export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportRecord {
    /// When, in ms since the Unix epoch.
    pub at_ms: i64,
    /// Who, as the operating system names them.
    pub who: String,
    /// Why, in their own words.
    pub reason: String,
    /// Where the file was written to.
    pub file: String,
    /// Its outcome chain, which identifies the file.
    pub outcomes: Digest,
    /// Whether it is masked.
    pub is_masked: bool,
    /// What was selected.
    pub selection: Selection,
    /// Number of the first entry.
    pub first_seq: u64,
    /// Number of the last entry.
    pub last_seq: u64,
    /// Number of users whose data it contains.
    pub user_count: u64,
    /// Ids of those users, at most [`causeway_session::IDS_MAX`].
    pub users: Vec<String>,
    /// Ids of the channels whose posts it contains, up to the same limit.
    pub channels: Vec<String>,
    /// `remote_id`s of the connections.
    pub connections: Vec<String>,
}

/// The register of a data directory.
#[must_use]
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("exports.jsonl")
}

/// Appends an export durably. The register belongs to the directory's owner, whoever exports.
///
/// # Errors
/// Those of the operating system; see also [`Owner::of`].
pub fn append(data_dir: &Path, entry: &ExportRecord) -> io::Result<()> {
    let (path, owner) = (path(data_dir), Owner::of(data_dir)?);
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    match owner.create(&path) {
        Ok(_) => sync_folder(data_dir)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let mut file = owner.append(&path)?;
    file.write_all(&line)?;
    file.sync_all()
}

/// Every export, oldest first. Damaged lines are skipped.
///
/// # Errors
/// Those of the operating system.
pub fn read(data_dir: &Path) -> io::Result<Vec<ExportRecord>> {
    let file = match File::open(path(data_dir)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut entries = Vec::new();
    for line in BufReader::new(file).lines() {
        entries.extend(serde_json::from_str(&line?).ok());
    }
    Ok(entries)
}
