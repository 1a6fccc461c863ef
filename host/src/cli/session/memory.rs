//! How much memory reading a session file may take.

use std::path::Path;

use anyhow::{Context, Result};
use causeway_session::SessionFile;
use causeway_session::file::limits::ROWS_BYTES_MAX;
use clap::Args;

/// Limits for reading a session file.
#[derive(Clone, Copy, Debug, Args)]
pub struct Memory {
    /// Memory that the rows of a session file may take, in MiB. A file of kilobytes may require gigabytes:
    /// allow more for one that you trust.
    #[arg(long, value_name = "MIB", default_value_t = ROWS_BYTES_MAX >> 20)]
    memory: u64,
}

impl Memory {
    /// Opens a session file.
    pub fn open(self, path: &Path) -> Result<SessionFile> {
        let file = SessionFile::open(path);
        let file = file.with_context(|| format!("opening {}", path.display()))?;
        Ok(file.keeping(self.memory.saturating_mul(1 << 20)))
    }
}
