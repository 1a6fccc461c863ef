//! Rebuilds the tables from the journal, which contains everything they hold.

use std::fs;
use std::io;
use std::sync::Arc;

use crate::data_dir::kernels::Kernels;
use crate::data_dir::layout::Layout;
use crate::disk::Disk;
use crate::journal::{JournalError, segments};
use crate::replay::{DataDirReplay, ReplayDirError};

/// Whether there is a journal, but the tables file is missing or empty.
///
/// # Errors
/// If the journal folder cannot be listed.
pub(crate) fn tables_are_missing(layout: &Layout) -> Result<bool, JournalError> {
    let is_there = fs::metadata(layout.tables()).is_ok_and(|tables| tables.len() > 0);
    Ok(!is_there && !segments(&layout.journal())?.is_empty())
}

/// Sets the damaged tables aside, replacing any that were set aside before: they only serve to find
/// the cause.
///
/// # Errors
/// Those of the operating system.
pub(crate) fn set_aside(layout: &Layout) -> io::Result<()> {
    let aside = layout.damaged_tables();
    tracing::warn!(
        set_aside = %aside.display(),
        "the tables are damaged and will be rebuilt from the journal"
    );
    fs::rename(layout.tables(), aside)
}

/// Builds the tables of a data directory that has none, from its newest snapshot and the journal
/// after it. Unfinished tables are ignored by the next start.
///
/// # Errors
/// If the journal does not hold everything needed, or the replay differs from the recording.
pub(crate) fn rebuild(
    disk: &Arc<dyn Disk>,
    layout: &Layout,
    kernels: &Kernels,
) -> Result<(), ReplayDirError> {
    let new = layout.new_tables();
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut replay = DataDirReplay::begin(
        disk,
        layout.clone(),
        (layout.root(), &new),
        kernels,
        Some(i64::MAX),
    )?;
    while let Some(recorded) = replay.next_entry()? {
        replay.apply(&recorded)?;
    }
    let steps = replay.finish()?;
    fs::rename(new, layout.tables())?;
    disk.sync_folder(layout.root())?;
    tracing::info!(steps, "the tables were rebuilt from the journal");
    Ok(())
}
