//! A session to inspect.

use std::path::Path;

use anyhow::{Context, Result, bail};
use causeway_session::SessionFile;
use causeway_session::file::format::Selection;
use tempfile::NamedTempFile;

use super::memory::Memory;
use super::times;
use crate::cli::data_dir;
use crate::cli::progress::Progress;
use crate::export::ExportRequest;

/// Start and end in ms since the Unix epoch; `None` if unbounded.
pub type RangeMs = (Option<i64>, Option<i64>);

/// A session file, or the recording in a data directory.
pub struct Source {
    file: SessionFile,
    /// The session exported from a data directory; deleted on drop.
    _taken: Option<NamedTempFile>,
}

impl Source {
    /// Opens a session file; for a data directory, exports the session of this time first. As nothing leaves
    /// the machine, it is not recorded in the register of exports.
    ///
    /// # Errors
    /// When it is neither of the two, or cannot be read.
    pub fn open(path: &Path, memory: Memory, range_ms: RangeMs) -> Result<Source> {
        if !path.is_dir() {
            let file = memory.open(path)?;
            return Ok(Source { file, _taken: None });
        }
        if !data_dir::is_one(path) {
            bail!(
                "{} is not a data directory: give one, or a session file",
                path.display()
            );
        }
        let taken = NamedTempFile::new().context("creating a file for the session")?;
        take(path, range_ms, &taken)?;
        let file = memory.open(taken.path())?;
        Ok(Source {
            file,
            _taken: Some(taken),
        })
    }

    /// The session.
    pub fn file(&self) -> &SessionFile {
        &self.file
    }
}

fn take(data: &Path, (from_ms, to_ms): RangeMs, file: &NamedTempFile) -> Result<()> {
    let request = ExportRequest {
        selection: Selection {
            from_ms,
            to_ms,
            ..Selection::default()
        },
        is_plain: true,
        who: String::new(),
        reason: String::new(),
        file: String::new(),
        at_ms: times::now_ms(),
    };
    let mut progress = Progress::of(0);
    let mut steps = 0;
    let taken = request.write(data, file.as_file(), || {
        steps += 1;
        progress.show(steps);
    });
    progress.end();
    taken.map(|_| ())
}
