//! Runs commands that open a workspace as the user who owns its data directory.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use causeway_engine::Owner;

/// Path of the data directory for a program started by [`run`].
pub const DATA_DIR: &str = ".";

/// Whether the data directory belongs to another user. One that does not exist yet is this user's.
///
/// # Errors
/// When this process could not act as its owner.
pub fn is_needed(data: &Path) -> Result<bool> {
    Ok(data.exists() && !Owner::of(data)?.is_this_process)
}

/// Continues as the owner of a data directory: executes this program with these arguments, in the directory.
/// Its path may lead through directories that only root may enter.
///
/// # Errors
/// Returns only if that fails.
pub fn run(data: &Path, arguments: &[&OsStr]) -> Result<std::convert::Infallible> {
    let owner = Owner::of(data)?;
    let program = std::env::current_exe().context("finding the path of this program")?;
    std::env::set_current_dir(data).with_context(|| format!("entering {}", data.display()))?;
    let error = Command::new(&program)
        .args(arguments)
        .uid(owner.uid)
        .gid(owner.gid)
        .exec();
    Err(error).with_context(|| {
        format!(
            "starting {} as user {}, who owns {}; the program must be in a place where every user \
             may run it",
            program.display(),
            owner.uid,
            data.display()
        )
    })
}
