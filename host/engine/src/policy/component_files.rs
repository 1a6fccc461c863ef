//! The components on disk, each in a file that is named by its digest.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::PolicyError;

/// How many components are kept that no slot refers to: recordings and journals name them by their
/// digests. Of more, those are deleted that slots referred to longest ago, so that swaps do not fill the disk.
pub const UNREFERENCED_MAX: usize = 16;

/// A folder of components.
pub(super) struct ComponentFiles {
    folder: PathBuf,
}

impl ComponentFiles {
    pub(super) fn new(folder: PathBuf) -> ComponentFiles {
        ComponentFiles { folder }
    }

    /// The component with a digest.
    pub(super) fn read(&self, digest: &str) -> Result<Vec<u8>, PolicyError> {
        let bytes = fs::read(self.path(digest)).map_err(|error| PolicyError::of_disk(&error))?;
        if blake3::hash(&bytes).to_hex().as_str() == digest {
            Ok(bytes)
        } else {
            Err(PolicyError::Disk(format!(
                "the component {digest} is damaged"
            )))
        }
    }

    /// Stores a component, unless it is there and undamaged.
    pub(super) fn store(&self, digest: &str, component: &[u8]) -> Result<(), PolicyError> {
        if self.read(digest).is_ok() {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)
            .and_then(|()| replace(&self.path(digest), component))
            .map_err(|error| PolicyError::of_disk(&error))
    }

    /// Deletes some of the components that are not among `referenced`, if there are too many, and what an interrupted
    /// write left. The time of a file is when a slot last referred to it.
    pub(super) fn sweep(&self, referenced: &BTreeSet<&str>) -> io::Result<()> {
        let mut others: Vec<(SystemTime, PathBuf)> = Vec::new();
        for file in fs::read_dir(&self.folder)? {
            let file = file?;
            let path = file.path();
            let is_component = path.extension().is_some_and(|it| it == "wasm");
            let digest = path.file_stem().and_then(|it| it.to_str());
            if path.extension().is_some_and(|it| it == "tmp") {
                fs::remove_file(path)?;
            } else if is_component && digest.is_some_and(|it| referenced.contains(it)) {
                fs::File::options()
                    .write(true)
                    .open(path)?
                    .set_modified(SystemTime::now())?;
            } else if is_component {
                others.push((file.metadata()?.modified()?, path));
            }
        }
        others.sort();
        let surplus = others.len().saturating_sub(UNREFERENCED_MAX);
        for (_, path) in others.iter().take(surplus) {
            fs::remove_file(path)?;
        }
        Ok(())
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}.wasm"))
    }
}

/// Writes a file atomically and durably.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let half = path.with_extension("tmp");
    let file = fs::File::create(&half)?;
    io::Write::write_all(&mut &file, bytes)?;
    file.sync_all()?;
    fs::rename(&half, path)?;
    match path.parent() {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_oldest_components_that_no_slot_refers_to_are_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let files = ComponentFiles::new(folder.path().into());
        let digests: Vec<String> = (0..UNREFERENCED_MAX + 4)
            .map(|number| {
                let component = number.to_be_bytes();
                let digest = blake3::hash(&component).to_hex().to_string();
                files.store(&digest, &component).unwrap();
                let file = fs::File::options().write(true).open(files.path(&digest));
                let at = SystemTime::UNIX_EPOCH + Duration::from_secs(number as u64);
                file.unwrap().set_modified(at).unwrap();
                digest
            })
            .collect();
        // Two of the oldest are in use, so two others are too many.
        let referenced = [digests[0].as_str(), &digests[2]].into();
        files.sweep(&referenced).unwrap();
        let is_left = |digest: &String| files.read(digest).is_ok();
        let left: Vec<bool> = digests.iter().map(is_left).collect();
        assert_eq!(left[..5], [true, false, true, false, true]);
        assert!(left[4..].iter().all(|it| *it));
    }

    #[test]
    fn a_damaged_component_is_noticed_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let files = ComponentFiles::new(folder.path().into());
        let digest = blake3::hash(b"component").to_hex().to_string();
        files.store(&digest, b"component").unwrap();
        fs::write(files.path(&digest), b"damaged").unwrap();
        assert!(files.read(&digest).is_err());
        files.store(&digest, b"component").unwrap();
        assert_eq!(files.read(&digest).unwrap(), b"component");
    }
}
