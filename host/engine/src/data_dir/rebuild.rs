//! Makes the tables again from the journal: they hold nothing that is not in it.

use std::fs;
use std::io;
use std::sync::Arc;

use crate::data_dir::kernels::Kernels;
use crate::data_dir::layout::Layout;
use crate::disk::Disk;
use crate::journal::{JournalError, segments};
use crate::replay::{DataDirReplay, ReplayDirError};

/// Whether there is a journal, but no tables, or a file of them that holds nothing.
///
/// # Errors
/// When the journal cannot be looked at.
pub(crate) fn tables_are_missing(layout: &Layout) -> Result<bool, JournalError> {
    let is_there = fs::metadata(layout.tables()).is_ok_and(|tables| tables.len() > 0);
    Ok(!is_there && !segments(&layout.journal())?.is_empty())
}

/// Sets the tables aside, in place of those that were set aside before: they are of use only to who
/// looks for the cause.
///
/// # Errors
/// Those of the operating system.
pub(crate) fn set_aside(layout: &Layout) -> io::Result<()> {
    let aside = layout.damaged_tables();
    tracing::warn!(
        set_aside = %aside.display(),
        "the tables are damaged and are made again from the journal"
    );
    fs::rename(layout.tables(), aside)
}

/// Makes the tables of a data directory that has none, from its newest snapshot and what the
/// journal holds behind that. Tables that are not finished are not found by the next start.
///
/// # Errors
/// When the journal does not hold all that is needed, or something else comes of it than is
/// recorded.
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
    tracing::info!(steps, "the tables were made again from the journal");
    Ok(())
}
