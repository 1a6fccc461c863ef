//! The store: from digests to bytes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::incoming::Incoming;
use crate::uploads::Uploads;

/// Length of a digest, in hexadecimal digits.
const DIGEST_CHARS: usize = 64;
/// How long bytes that are not received completely are kept without any change.
const INCOMING_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// The bytes of the files of a workspace.
#[derive(Debug)]
pub struct FileStore {
    folder: PathBuf,
    /// Digests whose bytes were stored and that are about to become needed, with how often. Locked while a
    /// sweep removes bytes.
    claims: Mutex<BTreeMap<String, usize>>,
    pub(crate) uploads: Uploads,
}

/// Bytes that are stored, and not swept before this is dropped: by then somebody has to need them.
#[derive(Debug)]
pub struct Kept {
    store: Arc<FileStore>,
    digest: String,
    size: u64,
}

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl FileStore {
    /// Opens the store in a data directory, and creates it if there is none.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn open(data_dir: &Path) -> io::Result<Arc<FileStore>> {
        let folder = data_dir.join("files");
        let store = FileStore {
            uploads: Uploads::new(folder.join("uploads")),
            claims: Mutex::default(),
            folder,
        };
        fs::create_dir_all(store.incoming())?;
        Ok(Arc::new(store))
    }

    /// Begins to receive a file.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn receive(&self) -> io::Result<Incoming> {
        Incoming::create(&self.incoming())
    }

    /// Keeps a file that was received completely: when this returns, its bytes survive a power cut.
    ///
    /// # Errors
    /// Those of the operating system, e.g. if the disk is full.
    pub fn keep(self: &Arc<Self>, incoming: Incoming) -> io::Result<Kept> {
        let kept = self.claim(incoming.digest(), incoming.size());
        let path = self.path(&kept.digest);
        if path.exists() {
            incoming.discard()?;
            return Ok(kept);
        }
        let folder = path.parent().unwrap_or(&self.folder);
        if !folder.exists() {
            fs::create_dir_all(folder)?;
            sync_folder(&self.folder)?;
        }
        incoming.move_to(&path)?;
        sync_folder(folder)?;
        Ok(kept)
    }

    /// Bytes that are free on the disk of the store.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn free_bytes(&self) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(&self.folder)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Opens the bytes with a digest.
    ///
    /// # Errors
    /// Those of the operating system; `NotFound` if there are none.
    pub fn read(&self, digest: &str) -> io::Result<File> {
        File::open(self.path(digest))
    }

    /// Reads the bytes with a digest, which are few.
    ///
    /// # Errors
    /// Those of the operating system; `NotFound` if there are none, `InvalidData` if there are more than
    /// `bytes_max`.
    pub fn read_small(&self, digest: &str, bytes_max: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut file = self.read(digest)?.take(bytes_max.saturating_add(1));
        file.read_to_end(&mut bytes)?;
        if bytes.len() as u64 > bytes_max {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(bytes)
    }

    /// Opens what was derived from the bytes with a digest; makes it first if it is not there.
    ///
    /// # Errors
    /// Those of the operating system and of `make`.
    pub fn derived(
        &self,
        digest: &str,
        kind: &str,
        make: impl FnOnce(File, &mut File) -> io::Result<()>,
    ) -> io::Result<File> {
        let path = self.path(digest).with_extension(kind);
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        let mut made = tempfile::NamedTempFile::new_in(self.incoming())?;
        make(self.read(digest)?, made.as_file_mut())?;
        made.as_file().sync_all()?;
        made.persist(&path).map_err(|error| error.error)?;
        File::open(&path)
    }

    /// Removes the bytes that are not needed, what was derived from them, and what was not received completely
    /// in time. `is_needed` has to see everything that was done before it is called.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn sweep(&self, is_needed: impl Fn(&str) -> bool) -> io::Result<Swept> {
        let mut swept = Swept::default();
        for folder in entries(&self.folder)? {
            if folder.file_name().is_some_and(|name| name.len() != 2) {
                continue;
            }
            for path in entries(&folder)? {
                let name = path.file_name().and_then(|name| name.to_str());
                let digest = name.and_then(|name| name.get(..DIGEST_CHARS));
                let Some(digest) = digest.filter(|digest| !is_needed(digest)) else {
                    continue;
                };
                // Whoever stores the same bytes now waits, and finds that they are missing.
                let claims = self.claims();
                if !claims.contains_key(digest) && !is_needed(digest) {
                    swept.remove(&path)?;
                }
            }
        }
        self.sweep_incoming(&mut swept)?;
        Ok(swept)
    }

    fn sweep_incoming(&self, swept: &mut Swept) -> io::Result<()> {
        for path in entries(&self.incoming())? {
            if is_stale(&path) {
                swept.remove(&path)?;
            }
        }
        self.uploads.sweep(is_stale, |path| swept.remove(path))
    }

    fn claim(self: &Arc<Self>, digest: String, size: u64) -> Kept {
        *self.claims().entry(digest.clone()).or_default() += 1;
        Kept {
            store: Arc::clone(self),
            digest,
            size,
        }
    }

    fn claims(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        // Every critical section leaves the claims consistent, so a poisoned lock is still usable.
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn incoming(&self) -> PathBuf {
        self.folder.join("incoming")
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.folder
            .join(digest.get(..2).unwrap_or_default())
            .join(digest)
    }
}

impl Kept {
    /// The digest of the bytes, in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How many bytes there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut claims = self.store.claims();
        if let Some(times) = claims.get_mut(&self.digest) {
            *times -= 1;
            if *times == 0 {
                claims.remove(&self.digest);
            }
        }
    }
}

impl Swept {
    fn remove(&mut self, path: &Path) -> io::Result<()> {
        let bytes = fs::metadata(path).map_or(0, |found| found.len());
        match fs::remove_file(path) {
            // Received completely in the meantime, or removed by its owner.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => {
                removed?;
                self.files += 1;
                self.bytes += bytes;
            }
        }
        Ok(())
    }
}

/// The paths in a folder; none if there is no such folder.
pub(crate) fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        found => found?.map(|entry| Ok(entry?.path())).collect(),
    }
}

/// Whether a file has not changed for longer than it is kept unfinished.
fn is_stale(path: &Path) -> bool {
    let changed = fs::metadata(path).and_then(|found| found.modified());
    let age = changed.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
    age.is_ok_and(|age| age > INCOMING_LIFE)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn store() -> (tempfile::TempDir, Arc<FileStore>) {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path()).unwrap();
        (folder, store)
    }

    fn keep(store: &Arc<FileStore>, parts: &[&[u8]]) -> Kept {
        let mut incoming = store.receive().unwrap();
        for part in parts {
            incoming.append(part).unwrap();
        }
        store.keep(incoming).unwrap()
    }

    fn text(store: &FileStore, digest: &str) -> Option<String> {
        let mut text = String::new();
        store.read(digest).ok()?.read_to_string(&mut text).unwrap();
        Some(text)
    }

    fn files_below(folder: &Path) -> usize {
        let count = |path: PathBuf| if path.is_dir() { files_below(&path) } else { 1 };
        entries(folder).unwrap().into_iter().map(count).sum()
    }

    #[test]
    fn the_same_bytes_are_stored_once_under_their_digest() {
        let (folder, store) = store();
        let (one, two) = (keep(&store, &[b"he", b"llo"]), keep(&store, &[b"hello"]));
        assert_eq!(one.digest(), blake3::hash(b"hello").to_hex().as_str());
        assert_eq!((one.digest(), one.size()), (two.digest(), 5));
        assert_eq!(text(&store, one.digest()).as_deref(), Some("hello"));
        assert_eq!(files_below(folder.path()), 1);
    }

    #[test]
    fn what_is_given_up_while_it_is_received_leaves_nothing() {
        let (folder, store) = store();
        let mut incoming = store.receive().unwrap();
        incoming.append(b"hal").unwrap();
        assert_eq!(files_below(folder.path()), 1);
        drop(incoming);
        assert_eq!(files_below(folder.path()), 0);
    }

    #[test]
    fn a_sweep_removes_what_nobody_needs_with_what_was_made_from_it() {
        let (folder, store) = store();
        let needed = keep(&store, &[b"needed"]).digest().to_string();
        let dropped = keep(&store, &[b"dropped"]).digest().to_string();
        for digest in [&needed, &dropped] {
            let make = |_: File, out: &mut File| out.write_all(b"small");
            store.derived(digest, "preview", make).unwrap();
        }
        let swept = store.sweep(|digest| digest == needed).unwrap();
        assert_eq!((swept.files, swept.bytes), (2, 12));
        assert_eq!(text(&store, &needed).as_deref(), Some("needed"));
        assert_eq!(text(&store, &dropped), None);
        assert_eq!(files_below(folder.path()), 2);
    }

    #[test]
    fn what_was_just_stored_is_not_swept_before_somebody_can_need_it() {
        let (_folder, store) = store();
        let kept = keep(&store, &[b"new"]);
        let again = keep(&store, &[b"new"]);
        drop(again);
        assert_eq!(store.sweep(|_| false).unwrap(), Swept::default());
        let digest = kept.digest().to_string();
        drop(kept);
        assert_eq!(store.sweep(|_| false).unwrap().files, 1);
        assert_eq!(text(&store, &digest), None);
    }

    #[test]
    fn what_becomes_needed_during_a_sweep_stays() {
        let (_folder, store) = store();
        let kept = keep(&store, &[b"late"]);
        let digest = kept.digest().to_string();
        let kept = Mutex::new(Some(kept));
        // Between the two looks, its row becomes durable and the claim ends.
        let is_needed = |_: &str| kept.lock().unwrap().take().is_none();
        assert_eq!(store.sweep(is_needed).unwrap(), Swept::default());
        assert_eq!(text(&store, &digest).as_deref(), Some("late"));
    }

    #[test]
    fn what_is_derived_is_made_once_and_a_failure_leaves_nothing() {
        let (folder, store) = store();
        let digest = keep(&store, &[b"picture"]).digest().to_string();
        let fails = |_: File, _: &mut File| Err(io::ErrorKind::InvalidData.into());
        assert!(store.derived(&digest, "preview", fails).is_err());
        assert_eq!(files_below(folder.path()), 1);
        let make = |_: File, out: &mut File| out.write_all(b"small");
        store.derived(&digest, "preview", make).unwrap();
        let never = |_: File, _: &mut File| Err(io::ErrorKind::Other.into());
        let mut text = String::new();
        let mut made = store.derived(&digest, "preview", never).unwrap();
        made.read_to_string(&mut text).unwrap();
        assert_eq!(text, "small");
    }

    #[test]
    fn what_was_left_half_received_is_swept_a_day_later() {
        let (folder, store) = store();
        let incoming = folder.path().join("files/incoming");
        let day_ago = SystemTime::now() - INCOMING_LIFE - Duration::from_secs(60);
        for (name, changed) in [("old", day_ago), ("new", SystemTime::now())] {
            let file = File::create(incoming.join(name)).unwrap();
            file.set_modified(changed).unwrap();
        }
        assert_eq!(store.sweep(|_| true).unwrap().files, 1);
        assert!(incoming.join("new").exists());
    }
}
