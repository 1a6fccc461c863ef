//! Uploads that are received in several requests, and continue after an interruption of the client's or of the
//! service's.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::incoming::Incoming;
use crate::store::{FileStore, Kept, entries};

/// Unfinished uploads of a user; one more is refused.
pub const UPLOADS_OF_USER_MAX: usize = 100;

/// An unfinished upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Its id: letters and digits.
    pub id: String,
    /// Id of the user who uploads: letters and digits.
    pub user_id: String,
    /// Id of the channel for which the file is meant.
    pub channel_id: String,
    /// Name of the file.
    pub filename: String,
    /// Size of the whole file, in bytes.
    pub file_size: u64,
    /// When it began, in ms.
    pub create_at: i64,
}

/// Why an upload does not begin or continue.
#[derive(Debug)]
pub enum UploadError {
    /// There is none with this id, or no longer.
    Unknown,
    /// Another request is sending its bytes.
    Busy,
    /// The user has [`UPLOADS_OF_USER_MAX`].
    TooMany,
    /// The disk failed.
    Disk(io::Error),
}

impl From<io::Error> for UploadError {
    fn from(error: io::Error) -> UploadError {
        match error.kind() {
            io::ErrorKind::NotFound => UploadError::Unknown,
            _ => UploadError::Disk(error),
        }
    }
}

/// The folder of the uploads, and those that a request is working on.
#[derive(Debug)]
pub(crate) struct Uploads {
    folder: PathBuf,
    open: Mutex<BTreeSet<String>>,
}

/// An upload that one request works on.
#[derive(Debug)]
pub struct OpenUpload {
    /// The upload.
    pub upload: Upload,
    /// Its bytes so far.
    pub incoming: Incoming,
    _lock: UploadLock,
}

/// No other request works on the upload before this is dropped.
#[derive(Debug)]
struct UploadLock {
    store: Arc<FileStore>,
    id: String,
}

impl FileStore {
    /// Begins an upload.
    ///
    /// # Errors
    /// [`UploadError::TooMany`], [`UploadError::Disk`].
    pub fn begin_upload(&self, upload: &Upload) -> Result<(), UploadError> {
        let folder = self.uploads.of_user(&upload.user_id);
        fs::create_dir_all(&folder)?;
        if self.uploads_of(&upload.user_id)?.len() >= UPLOADS_OF_USER_MAX {
            return Err(UploadError::TooMany);
        }
        let text = serde_json::to_vec(upload).map_err(io::Error::from)?;
        Ok(fs::write(self.uploads.described(upload), text)?)
    }

    /// The unfinished uploads of a user, each with the bytes received so far.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn uploads_of(&self, user_id: &str) -> io::Result<Vec<(Upload, u64)>> {
        let mut found = Vec::new();
        for path in entries(&self.uploads.of_user(user_id))? {
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
                && let Some(upload) = read(&path)
            {
                let received = self.uploads.received(&upload);
                found.push((upload, received));
            }
        }
        Ok(found)
    }

    /// An upload of a user, with the bytes received so far.
    #[must_use]
    pub fn upload(&self, user_id: &str, id: &str) -> Option<(Upload, u64)> {
        let path = self.uploads.of_user(user_id).join(format!("{id}.json"));
        let upload = read(&path)?;
        let received = self.uploads.received(&upload);
        Some((upload, received))
    }

    /// Opens an upload to continue it.
    ///
    /// # Errors
    /// [`UploadError::Unknown`], [`UploadError::Busy`], [`UploadError::Disk`].
    pub fn open_upload(
        self: &Arc<Self>,
        user_id: &str,
        id: &str,
    ) -> Result<OpenUpload, UploadError> {
        let (upload, _) = self.upload(user_id, id).ok_or(UploadError::Unknown)?;
        if !self.uploads.open().insert(upload.id.clone()) {
            return Err(UploadError::Busy);
        }
        let lock = UploadLock {
            store: Arc::clone(self),
            id: upload.id.clone(),
        };
        // It may have been finished before it was locked.
        self.upload(user_id, id).ok_or(UploadError::Unknown)?;
        let incoming = Incoming::of_upload(self.uploads.part(&upload))?;
        Ok(OpenUpload {
            upload,
            incoming,
            _lock: lock,
        })
    }

    /// Opens an upload to continue it after a number of bytes; those that it has beyond are forgotten.
    ///
    /// # Errors
    /// As [`FileStore::open_upload`].
    pub fn open_upload_at(
        self: &Arc<Self>,
        user_id: &str,
        id: &str,
        offset: u64,
    ) -> Result<OpenUpload, UploadError> {
        let open = self.open_upload(user_id, id)?;
        let incoming = open.incoming.cut(offset)?;
        Ok(OpenUpload { incoming, ..open })
    }

    /// Removes those uploads of a user that are no longer wanted, unless a request works on them.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn retain_uploads(
        &self,
        user_id: &str,
        is_wanted: impl Fn(&str) -> bool,
    ) -> io::Result<()> {
        for (upload, _) in self.uploads_of(user_id)? {
            if is_wanted(&upload.id) || self.uploads.open().contains(&upload.id) {
                continue;
            }
            let part = self.uploads.part(&upload);
            if part.exists() {
                fs::remove_file(part)?;
            }
            fs::remove_file(self.uploads.described(&upload))?;
        }
        Ok(())
    }

    /// Keeps the bytes of an upload that is complete, and ends it. If that fails, it can be tried again.
    ///
    /// # Errors
    /// Those of the operating system, e.g. if the disk is full.
    pub fn finish_upload(self: &Arc<Self>, open: OpenUpload) -> io::Result<Kept> {
        let kept = self.keep(open.incoming)?;
        fs::remove_file(self.uploads.described(&open.upload))?;
        Ok(kept)
    }
}

impl Drop for UploadLock {
    fn drop(&mut self) {
        self.store.uploads.open().remove(&self.id);
    }
}

impl Uploads {
    pub(crate) fn new(folder: PathBuf) -> Uploads {
        Uploads {
            folder,
            open: Mutex::default(),
        }
    }

    /// Removes the uploads whose bytes have not changed for a while. Bytes without a description belong to an
    /// upload that is being finished, or was when the service ended.
    pub(crate) fn sweep(
        &self,
        is_stale: impl Fn(&Path) -> bool,
        mut remove: impl FnMut(&Path) -> io::Result<()>,
    ) -> io::Result<()> {
        for user in entries(&self.folder)? {
            for path in entries(&user)? {
                let part = path.with_extension("part");
                let id = path
                    .file_stem()
                    .and_then(|id| id.to_str())
                    .unwrap_or_default();
                let is_open = self.open().contains(id);
                if !is_open && is_stale(&path) && (!part.exists() || is_stale(&part)) {
                    remove(&path)?;
                }
            }
        }
        Ok(())
    }

    fn of_user(&self, user_id: &str) -> PathBuf {
        self.folder.join(user_id)
    }

    fn described(&self, upload: &Upload) -> PathBuf {
        self.of_user(&upload.user_id)
            .join(format!("{}.json", upload.id))
    }

    fn part(&self, upload: &Upload) -> PathBuf {
        self.described(upload).with_extension("part")
    }

    fn received(&self, upload: &Upload) -> u64 {
        fs::metadata(self.part(upload)).map_or(0, |found| found.len())
    }

    fn open(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A description that was not written completely is none.
fn read(path: &Path) -> Option<Upload> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn upload(id: &str, user_id: &str) -> Upload {
        Upload {
            id: id.into(),
            user_id: user_id.into(),
            channel_id: "c".into(),
            filename: "a.txt".into(),
            file_size: 5,
            create_at: 1,
        }
    }

    #[test]
    fn an_upload_continues_where_it_was_even_in_another_process() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path()).unwrap();
        store.begin_upload(&upload("one", "ann")).unwrap();
        let mut open = store.open_upload("ann", "one").unwrap();
        open.incoming.append(b"he").unwrap();
        assert!(matches!(
            store.open_upload("ann", "one"),
            Err(UploadError::Busy)
        ));
        drop((open, store));

        let store = FileStore::open(folder.path()).unwrap();
        assert_eq!(store.upload("ann", "one"), Some((upload("one", "ann"), 2)));
        let mut open = store.open_upload("ann", "one").unwrap();
        assert_eq!(open.incoming.size(), 2);
        open.incoming.append(b"llo").unwrap();
        let kept = store.finish_upload(open).unwrap();
        assert_eq!(kept.digest(), blake3::hash(b"hello").to_hex().as_str());
        assert!(matches!(
            store.open_upload("ann", "one"),
            Err(UploadError::Unknown)
        ));
        assert!(store.uploads_of("ann").unwrap().is_empty());
    }

    #[test]
    fn an_upload_continues_after_fewer_bytes_and_unwanted_ones_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path()).unwrap();
        for id in ["one", "two"] {
            store.begin_upload(&upload(id, "ann")).unwrap();
        }
        let mut open = store.open_upload("ann", "one").unwrap();
        open.incoming.append(b"help").unwrap();
        drop(open);
        let mut open = store.open_upload_at("ann", "one", 3).unwrap();
        open.incoming.append(b"lo").unwrap();
        store.retain_uploads("ann", |_| false).unwrap();
        let kept = store.finish_upload(open).unwrap();
        assert_eq!(kept.digest(), blake3::hash(b"hello").to_hex().as_str());
        assert!(store.uploads_of("ann").unwrap().is_empty());
    }

    #[test]
    fn an_upload_is_found_by_its_user_alone_and_a_user_has_only_so_many() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path()).unwrap();
        for number in 0..UPLOADS_OF_USER_MAX {
            store
                .begin_upload(&upload(&format!("u{number}"), "ann"))
                .unwrap();
        }
        let more = store.begin_upload(&upload("more", "ann"));
        assert!(matches!(more, Err(UploadError::TooMany)));
        store.begin_upload(&upload("bobs", "bob")).unwrap();
        assert_eq!(store.upload("ann", "bobs"), None);
        assert!(store.upload("bob", "bobs").is_some());
    }
}
