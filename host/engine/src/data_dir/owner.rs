//! The owner of a data directory. Root may work in one while the service runs as another user;
//! files that root creates there must belong to that user, or the service cannot use them.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

/// The owner of a data directory, who gets every file created in it.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Whether files created by this process belong to that user anyway.
    pub is_this_process: bool,
}

impl Owner {
    /// The owner of a data directory. On failure nothing in it has changed.
    ///
    /// # Errors
    /// If this process runs as another user and may not change the owner of files (the text says
    /// what to do), or if the directory is not writable.
    pub fn of(data_dir: &Path) -> io::Result<Owner> {
        let directory = fs::metadata(data_dir)?;
        // An unnamed file, so that nothing is left behind.
        let probe = tempfile::tempfile_in(data_dir)?;
        let made_by = probe.metadata()?.uid();
        let owner = Owner {
            uid: directory.uid(),
            gid: directory.gid(),
            is_this_process: directory.uid() == made_by,
        };
        owner.give(&probe).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!(
                    "the data directory {} belongs to user {uid}, who could not use files written by \
                     user {made_by}, so nothing was written: run this as that user (sudo -u '#{uid}' …) \
                     or as root",
                    data_dir.display(),
                    uid = owner.uid,
                ),
            ),
            _ => error,
        })?;
        Ok(owner)
    }

    /// Gives a file of this process to the owner.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn give(&self, file: &File) -> io::Result<()> {
        if self.is_this_process {
            return Ok(());
        }
        fchown(file, Some(self.uid), Some(self.gid))
    }

    /// Creates a file that only the owner may read, and gives it to them.
    ///
    /// # Errors
    /// If the name exists already, even as a dangling link: in another user's directory a link may
    /// point anywhere.
    pub fn create(&self, path: &Path) -> io::Result<File> {
        let mut options = File::options();
        let file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        self.give(&file)?;
        Ok(file)
    }

    /// Opens a file for appending, and gives it to the owner if it is not theirs.
    ///
    /// # Errors
    /// If it cannot be opened, or if it is a link while this process does not run as the owner.
    pub fn append(&self, path: &Path) -> io::Result<File> {
        let file = File::options().append(true).open(path)?;
        let opened = file.metadata()?;
        if self.is_this_process || opened.uid() == self.uid {
            return Ok(file);
        }
        let named = fs::symlink_metadata(path)?;
        let is_same = |other: &Metadata| (other.dev(), other.ino()) == (opened.dev(), opened.ino());
        if !named.is_file() || !is_same(&named) || opened.nlink() != 1 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{} is a link, which is not followed", path.display()),
            ));
        }
        self.give(&file)?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::{chown, symlink};

    /// A user other than that of this process.
    const SOMEBODY: u32 = 12_345;

    /// A folder of another user; `None` if this process may not change owners.
    fn foreign() -> Option<tempfile::TempDir> {
        let folder = tempfile::tempdir().unwrap();
        chown(folder.path(), Some(SOMEBODY), Some(SOMEBODY)).ok()?;
        Some(folder)
    }

    fn owner_of(path: &Path) -> (u32, u32) {
        let found = fs::symlink_metadata(path).unwrap();
        (found.uid(), found.gid())
    }

    #[test]
    fn in_a_directory_of_its_own_a_process_gives_nothing_away() {
        let folder = tempfile::tempdir().unwrap();
        let owner = Owner::of(folder.path()).unwrap();
        assert!(owner.is_this_process);
        let path = folder.path().join("a");
        owner.create(&path).unwrap();
        assert_eq!(owner_of(&path), owner_of(folder.path()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_made_in_somebody_elses_directory_is_theirs() {
        let Some(folder) = foreign() else { return };
        let owner = Owner::of(folder.path()).unwrap();
        assert!(!owner.is_this_process);
        let path = folder.path().join("a");
        owner.create(&path).unwrap();
        assert_eq!(owner_of(&path), (SOMEBODY, SOMEBODY));
        // A file that existed before is given to them as well.
        let path = folder.path().join("b");
        fs::write(&path, "x").unwrap();
        owner.append(&path).unwrap().write_all(b"y").unwrap();
        assert_eq!(owner_of(&path), (SOMEBODY, SOMEBODY));
        assert_eq!(fs::read(&path).unwrap(), b"xy");
    }

    #[test]
    fn links_in_somebody_elses_directory_are_not_followed() {
        let Some(folder) = foreign() else { return };
        let elsewhere = tempfile::NamedTempFile::new().unwrap();
        let before = owner_of(elsewhere.path());
        let owner = Owner::of(folder.path()).unwrap();
        let path = folder.path().join("link");
        symlink(elsewhere.path(), &path).unwrap();
        assert!(owner.create(&path).is_err());
        assert!(owner.append(&path).is_err());
        let hard = folder.path().join("hard");
        fs::hard_link(elsewhere.path(), &hard).unwrap();
        assert!(owner.append(&hard).is_err());
        assert_eq!(owner_of(elsewhere.path()), before);
    }
}
