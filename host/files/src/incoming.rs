//! Bytes that are being received.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

/// Bytes read at once when an upload continues.
const CHUNK_BYTES: usize = 256 * 1024;

/// A file that is being received. Unless it belongs to an upload that may continue later, dropping it removes
/// it.
#[derive(Debug)]
pub struct Incoming {
    file: File,
    place: Place,
    hasher: blake3::Hasher,
    size: u64,
}

#[derive(Debug)]
enum Place {
    Temporary(TempPath),
    Upload(PathBuf),
}

impl Incoming {
    /// A new file in a folder.
    pub(crate) fn create(folder: &Path) -> io::Result<Incoming> {
        let (file, path) = tempfile::NamedTempFile::new_in(folder)?.into_parts();
        Ok(Incoming {
            file,
            place: Place::Temporary(path),
            hasher: blake3::Hasher::new(),
            size: 0,
        })
    }

    /// The file of an upload, with everything that was received before.
    pub(crate) fn of_upload(path: PathBuf) -> io::Result<Incoming> {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(&path)?;
        let mut hasher = blake3::Hasher::new();
        let (mut chunk, mut size) = (vec![0; CHUNK_BYTES], 0);
        loop {
            let read = file.read(&mut chunk)?;
            let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            hasher.update(bytes);
            size += bytes.len() as u64;
        }
        Ok(Incoming {
            file,
            place: Place::Upload(path),
            hasher,
            size,
        })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// Those of the operating system, e.g. if the disk is full.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Forgets the bytes of an upload after a number.
    ///
    /// # Errors
    /// Those of the operating system.
    pub(crate) fn cut(self, size: u64) -> io::Result<Incoming> {
        match self.place {
            Place::Upload(path) if size < self.size => {
                self.file.set_len(size)?;
                Incoming::of_upload(path)
            }
            _ => Ok(self),
        }
    }

    /// Bytes received so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The file, to be read from its beginning.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn reader(&self) -> io::Result<File> {
        File::open(self.path())
    }

    /// The digest of the bytes received so far, in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }

    /// Gives the file its final name once its bytes survive a power cut.
    pub(crate) fn move_to(self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        match self.place {
            Place::Temporary(own) => own.persist(path).map_err(|error| error.error),
            Place::Upload(own) => std::fs::rename(own, path),
        }
    }

    /// Removes the file.
    pub(crate) fn discard(self) -> io::Result<()> {
        match self.place {
            Place::Temporary(own) => own.close(),
            Place::Upload(own) => std::fs::remove_file(own),
        }
    }

    fn path(&self) -> &Path {
        match &self.place {
            Place::Temporary(path) => path,
            Place::Upload(path) => path,
        }
    }
}
