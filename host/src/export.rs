//! Exports recorded sessions from a data directory, for the command line and the API.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use crate::export_log::{self, ExportRecord};
use anyhow::{Context, Result, anyhow};
use causeway_engine::DataDirReplay;
use causeway_engine::runtime::{ComponentOptions, ComponentSource, Sandbox, cache_dir};
use causeway_session::file::format::Selection;
use causeway_session::mask::Mask;
use causeway_session::{ExportOptions, Exported, export};

/// What to export, and what the register records about it.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// What to export.
    pub selection: Selection,
    /// Whether texts, names and addresses stay unmasked.
    pub is_plain: bool,
    /// Who requests it.
    pub who: String,
    /// Why, in their own words.
    pub reason: String,
    /// Where the session is written.
    pub file: String,
    /// When, in ms since the Unix epoch.
    pub at_ms: i64,
}

impl ExportRequest {
    /// Writes the session durably; `see` is called for every entry processed. Works while the service is
    /// running.
    ///
    /// # Errors
    /// When the data directory cannot be read, or the file cannot be written.
    pub fn write(&self, data: &Path, file: &File, mut see: impl FnMut()) -> Result<Exported> {
        let cache = cache_dir(data);
        let sandbox = Sandbox::new(cache.is_dir().then_some(cache.as_path()))?;
        let kernel = Arc::new(ComponentSource::embedded(
            sandbox,
            ComponentOptions::default(),
        ));
        let scratch =
            tempfile::tempdir().context("creating a directory for the export's tables")?;
        let from_ms = self.selection.from_ms;
        let mut source = DataDirReplay::open(data, scratch.path(), kernel, from_ms)
            .with_context(|| format!("reading {}", data.display()))?;
        let options = ExportOptions {
            selection: self.selection.clone(),
            mask: if self.is_plain {
                None
            } else {
                Some(new_mask()?)
            },
            now_ms: self.at_ms,
        };
        let exported = export(&mut source, &options, BufWriter::new(file), |_| see());
        let (out, exported) = exported.with_context(|| format!("exporting {}", data.display()))?;
        out.into_inner()
            .map_err(std::io::IntoInnerError::into_error)?
            .sync_all()?;
        Ok(exported)
    }

    /// Records the export in the register, before the session is handed out.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub fn note(&self, data: &Path, exported: &Exported) -> Result<()> {
        let entry = ExportRecord {
            at_ms: self.at_ms,
            who: self.who.clone(),
            reason: self.reason.clone(),
            file: self.file.clone(),
            outcomes: exported.outcomes,
            is_masked: !self.is_plain,
            selection: self.selection.clone(),
            first_seq: exported.summary.first_seq,
            last_seq: exported.summary.last_seq,
            user_count: exported.summary.users,
            users: exported.users.clone(),
            channels: exported.channels.clone(),
            connections: exported.connections.clone(),
        };
        export_log::append(data, &entry).context("recording the export")
    }
}

/// A mask with a random key, which is not kept anywhere.
fn new_mask() -> Result<Mask> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| anyhow!("cannot generate a random key: {error}"))?;
    Ok(Mask::new(key))
}
