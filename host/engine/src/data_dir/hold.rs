//! A hold on the journal: while it is in force, retention drops nothing. Admins set one to preserve
//! evidence; the engine also sets one automatically ([`crate::data_dir::alarm`]).

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::data_dir::owner::Owner;

/// Why, and for how long, nothing is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The reason, for people.
    pub reason: String,
    /// Until when, in ms since the Unix epoch; `None` = until it is released.
    pub until_ms: Option<i64>,
    /// Size of the journal, in bytes, above which the hold no longer applies; `None` = no limit.
    #[serde(default)]
    pub bytes_max: Option<u64>,
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl Hold {
    /// The hold of a data directory, if there is one.
    ///
    /// # Errors
    /// Those of the operating system. A file that cannot be parsed counts as a hold.
    pub fn read(data_dir: &Path) -> io::Result<Option<Hold>> {
        match fs::read(path(data_dir)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).unwrap_or_else(|_| {
                Hold {
                    reason: "the file `journal.hold` exists but cannot be parsed".into(),
                    until_ms: None,
                    bytes_max: None,
                }
            }))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets this hold, replacing one that ends earlier.
    ///
    /// # Errors
    /// Those of the operating system; see also [`Owner::of`].
    pub fn set(&self, data_dir: &Path) -> io::Result<()> {
        let owner = Owner::of(data_dir)?;
        let is_longer = |present: &Hold| match (present.until_ms, self.until_ms) {
            (Some(present), Some(new)) => present < new,
            (present, _) => present.is_some(),
        };
        if Hold::read(data_dir)?.is_some_and(|present| !is_longer(&present)) {
            return Ok(());
        }
        let half = path(data_dir).with_extension("tmp");
        match fs::remove_file(&half) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = owner.create(&half)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        fs::rename(half, path(data_dir))
    }

    /// Releases the journal; returns whether there was a hold.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn release(data_dir: &Path) -> io::Result<bool> {
        match fs::remove_file(path(data_dir)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the hold applies at this time to a journal of this size.
    #[must_use]
    pub fn is_in_force(&self, now_ms: i64, bytes: u64) -> bool {
        self.until_ms.is_none_or(|until| now_ms < until)
            && self.bytes_max.is_none_or(|max| bytes <= max)
    }
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("journal.hold")
}
