//! The targets, a file each.

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

/// Something that takes foreign bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder below `corpus/`.
    pub name: &'static str,
    /// Takes any bytes; panics when something is wrong.
    pub run: fn(&[u8]),
    /// Bytes as they really come.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How many changed inputs a test run tries: the slower the target, the fewer.
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
    /// The target of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Target> {
        TARGETS.into_iter().find(|target| target.name == name)
    }

    /// Its seeds, and what earlier runs have found.
    ///
    /// # Errors
    /// When the corpus cannot be read.
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
