//! A disk that can fill up, or be slow.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use causeway_engine::disk::{Disk, DiskFile, RealDisk};

/// Refuses writes to files with the given suffix while it is full.
#[derive(Clone, Debug)]
pub struct FullDisk {
    suffix: &'static str,
    is_full: Arc<AtomicBool>,
    syncs: Arc<Gate>,
}

/// Blocks callers while it is closed.
#[derive(Debug, Default)]
struct Gate {
    is_closed: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn set(&self, is_closed: bool) {
        *self.is_closed.lock().unwrap() = is_closed;
        self.opened.notify_all();
    }

    fn pass(&self) {
        let is_closed = self.is_closed.lock().unwrap();
        drop(self.opened.wait_while(is_closed, |is_closed| *is_closed));
    }
}

impl FullDisk {
    pub fn new(suffix: &'static str) -> FullDisk {
        FullDisk {
            suffix,
            is_full: Arc::default(),
            syncs: Arc::default(),
        }
    }

    fn over(&self, path: &Path, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        if !path.to_string_lossy().ends_with(self.suffix) {
            return file;
        }
        let is_full = Arc::clone(&self.is_full);
        let syncs = Arc::clone(&self.syncs);
        Arc::new(FullFile {
            file,
            is_full,
            syncs,
        })
    }

    pub fn fill(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::SeqCst);
    }

    /// Blocks syncs until it is called with `false`.
    pub fn hold_syncs(&self, is_held: bool) {
        self.syncs.set(is_held);
    }
}

impl Disk for FullDisk {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.over(path, RealDisk.open(path)?))
    }

    fn open_or_create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.over(path, RealDisk.open_or_create(path)?))
    }
}

struct FullFile {
    file: Arc<dyn DiskFile>,
    is_full: Arc<AtomicBool>,
    syncs: Arc<Gate>,
}

impl FullFile {
    fn check(&self) -> io::Result<()> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(())
    }
}

impl fmt::Debug for FullFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FullFile")
    }
}

impl DiskFile for FullFile {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_exact_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(out, offset)
    }

    /// A full disk writes half of the data.
    fn write_all_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        if let Err(error) = self.check() {
            self.file.write_all_at(&data[..data.len() / 2], offset)?;
            return Err(error);
        }
        self.file.write_all_at(data, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if len > self.file.length()? {
            self.check()?;
        }
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.syncs.pass();
        self.file.sync_data()
    }
}
