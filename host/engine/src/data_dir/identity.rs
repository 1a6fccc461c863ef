//! Distinguishes a data directory from a copy of it.
//!
//! The file `identity` holds its own inode number and the machine id. In a copy, a restored backup
//! or a directory moved to another machine, one of the two differs: what peers received in the
//! meantime may be missing from it. A rollback of the whole disk is visible to peers only, through
//! the incarnation and the cursors that pings carry.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// When a data directory was created, or first used as a copy of another one, in ms since the Unix
/// epoch.
///
/// # Errors
/// Those of the operating system; also if the directory was never opened.
pub fn installed_at_ms(data_dir: &Path) -> io::Result<i64> {
    Identity::of(data_dir).written_at_ms()
}

/// The identity of a data directory.
#[derive(Debug)]
pub struct Identity {
    path: PathBuf,
}

impl Identity {
    /// The identity of the given data directory.
    #[must_use]
    pub fn of(data_dir: &Path) -> Identity {
        Identity {
            path: data_dir.join("identity"),
        }
    }

    /// Whether this is the directory in which the file was written.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn is_original(&self) -> io::Result<bool> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(text == text_of(&self.path)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes this directory the original. If it already is, the file is not touched, so that a full
    /// disk cannot turn an original into a copy.
    ///
    /// # Errors
    /// Those of the operating system; nothing has changed then.
    pub fn write(&self) -> io::Result<()> {
        if self.is_original()? {
            return Ok(());
        }
        // The inode must exist before its number can be written into it; renaming keeps the number.
        let half = self.path.with_extension("new");
        fs::write(&half, "")?;
        fs::write(&half, text_of(&half)?)?;
        fs::File::open(&half)?.sync_all()?;
        fs::rename(half, &self.path)
    }

    /// When this directory became the original, in ms since the Unix epoch.
    ///
    /// # Errors
    /// Those of the operating system.
    fn written_at_ms(&self) -> io::Result<i64> {
        let modified = fs::metadata(&self.path)?.modified()?;
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

fn text_of(path: &Path) -> io::Result<String> {
    let inode = fs::metadata(path)?.ino();
    let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    Ok(format!("inode {inode}\nmachine {}\n", machine.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn a_copy_is_not_the_original() {
        let folder = tempfile::tempdir().unwrap();
        let (here, there) = (folder.path().join("a"), folder.path().join("b"));
        fs::create_dir(&here).unwrap();
        fs::create_dir(&there).unwrap();
        let identity = Identity::of(&here);
        assert!(!identity.is_original().unwrap());
        identity.write().unwrap();
        assert!(identity.is_original().unwrap());
        fs::copy(here.join("identity"), there.join("identity")).unwrap();
        let copy = Identity::of(&there);
        assert!(!copy.is_original().unwrap());
        let long_ago = File::open(there.join("identity")).unwrap();
        long_ago.set_modified(UNIX_EPOCH).unwrap();
        copy.write().unwrap();
        let installed_at = installed_at_ms(&there).unwrap();
        assert!(installed_at > 0);
        copy.write().unwrap();
        assert_eq!(installed_at_ms(&there).unwrap(), installed_at);
        fs::rename(&here, folder.path().join("c")).unwrap();
        assert!(
            Identity::of(&folder.path().join("c"))
                .is_original()
                .unwrap()
        );
    }
}
