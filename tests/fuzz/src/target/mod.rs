//! The fuzz targets, one per file.

mod frames;
mod http_bodies;
mod invitations;
mod journals;
mod policies;
mod receipts;
mod session_files;
mod slash_commands;
mod workspace;

use std::fs;
use std::io;
use std::path::Path;

/// A function under test that takes foreign bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and the name of its folder in `corpus/`.
    pub name: &'static str,
    /// Takes any bytes; panics on a fault.
    pub run: fn(&[u8]),
    /// Real inputs.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Number of changed inputs that a test run tries: the slower the target, the fewer.
    pub cases: u32,
}

/// Every target.
pub const TARGETS: [Target; 8] = [
    frames::TARGET,
    receipts::TARGET,
    invitations::TARGET,
    session_files::TARGET,
    journals::TARGET,
    policies::TARGET,
    slash_commands::TARGET,
    http_bodies::TARGET,
];

impl Target {
    /// The target with a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Target> {
        TARGETS.into_iter().find(|target| target.name == name)
    }

    /// Its seeds, and the findings of earlier runs.
    ///
    /// # Errors
    /// If the corpus cannot be read.
    pub fn inputs(&self) -> io::Result<Vec<Vec<u8>>> {
        let mut inputs = (self.seeds)();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(self.name);
        if folder.is_dir() {
            let mut files: Vec<_> = fs::read_dir(folder)?
                .map(|entry| Ok(entry?.path()))
                .collect::<io::Result<_>>()?;
            files.sort();
            for file in files {
                inputs.push(fs::read(file)?);
            }
        }
        Ok(inputs)
    }
}
