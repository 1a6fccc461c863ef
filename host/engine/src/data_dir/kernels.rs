//! All kernels that ever ran in a data directory, kept for replays.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use crate::disk::sync_folder;
use crate::journal::Digest;
use crate::runtime::{KernelError, KernelRunner, KernelSource};

/// A folder of kernels by digest, and the current kernel.
#[derive(Clone)]
pub struct Kernels {
    folder: PathBuf,
    source: Arc<dyn KernelSource>,
}

impl Kernels {
    /// Kernels of a folder, which is created when the first one is kept.
    #[must_use]
    pub fn new(folder: PathBuf, source: Arc<dyn KernelSource>) -> Kernels {
        Kernels { folder, source }
    }

    /// The current kernel.
    ///
    /// # Errors
    /// If it cannot be loaded.
    pub fn today(&self) -> Result<Box<dyn KernelRunner>, KernelError> {
        self.source.open()
    }

    /// The kernel with this digest: the current one, or one that was kept.
    ///
    /// # Errors
    /// If it was not kept, or cannot be loaded.
    pub fn open(&self, digest: Digest) -> Result<Box<dyn KernelRunner>, KernelError> {
        let today = self.source.open()?;
        if today.digest() == digest.0 {
            return Ok(today);
        }
        let path = self.path(digest);
        let bytes =
            fs::read(&path).map_err(|error| KernelError(format!("{}: {error}", path.display())))?;
        let kernel = self.source.open_component(&bytes)?;
        if kernel.digest() == digest.0 {
            Ok(kernel)
        } else {
            Err(KernelError(format!("{} is damaged", path.display())))
        }
    }

    /// The bytes of a kernel: the current one, or one that was kept; `None` if it is the current one
    /// and native.
    ///
    /// # Errors
    /// If it was not kept.
    pub fn component(&self, digest: Digest) -> Result<Option<Vec<u8>>, KernelError> {
        if self.source.open()?.digest() == digest.0 {
            return Ok(self.source.component().map(<[u8]>::to_vec));
        }
        let path = self.path(digest);
        let bytes =
            fs::read(&path).map_err(|error| KernelError(format!("{}: {error}", path.display())))?;
        Ok(Some(bytes))
    }

    /// Keeps the current kernel, durably.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn keep_today(&self, digest: Digest) -> io::Result<()> {
        let Some(bytes) = self.source.component() else {
            return Ok(());
        };
        let path = self.path(digest);
        if path.exists() {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)?;
        let half = path.with_extension("tmp");
        let mut file = fs::File::create(&half)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&half, &path)?;
        sync_folder(&self.folder)
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.folder.join(format!("{digest}.wasm"))
    }
}
