//! Files: their bytes on the disk, and the work on them. What there is to know about a file is decided by the
//! kernel; see [`AddFile`](causeway_kernel::command::AddFile).

mod emoji;
pub mod form;
mod profile_pictures;
pub mod receive;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use axum::http::StatusCode;
use causeway_engine::RepeatedLine;
use causeway_files::pictures::{self, Scale};
use causeway_files::{FileStore, Incoming, Kept, Swept, UploadError};
use causeway_kernel::boundary::output::Object;
use causeway_kernel::command::{AddFile, Command};
use causeway_kernel::model::{Dimensions, FileBytes, FileLimits, file_name};
use causeway_kernel::rows::id::{ChannelNo, UserNo};
use causeway_kernel::rows::tx::Read;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::app::SharedApp;
use crate::http::ApiError;

/// Pictures decoded at once: each may take hundreds of mebibytes.
const PICTURES_AT_ONCE: usize = 1;

/// Settings of files, under the reference's names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "PascalCase")]
pub struct FileSettings {
    /// Whether files can be added to posts.
    pub enable_file_attachments: bool,
    /// Maximum bytes of a file.
    pub max_file_size: u64,
}

impl Default for FileSettings {
    fn default() -> FileSettings {
        FileSettings {
            enable_file_attachments: true,
            max_file_size: 100 << 20,
        }
    }
}

/// The files of a service.
pub struct Files {
    /// Their bytes.
    pub store: Arc<FileStore>,
    /// Settings.
    pub settings: FileSettings,
    pictures: Semaphore,
}

impl Files {
    /// Opens the files in the data directory.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn open(data_dir: &Path, settings: FileSettings) -> io::Result<Files> {
        Ok(Files {
            store: FileStore::open(data_dir)?,
            settings,
            pictures: Semaphore::new(PICTURES_AT_ONCE),
        })
    }

    /// How large files of peers may be.
    #[must_use]
    pub fn limits(&self) -> FileLimits {
        let bytes_max = if self.settings.enable_file_attachments {
            self.settings.max_file_size
        } else {
            0
        };
        FileLimits { bytes_max }
    }

    /// Does work with the store where it may block.
    ///
    /// # Errors
    /// 503 if the disk cannot be used.
    pub async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<FileStore>) -> io::Result<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let store = Arc::clone(&self.store);
        blocking(move || work(&store))
            .await
            .map_err(|error| disk_error(&error))
    }

    /// Refuses what a peer sends if the disk would have too little left for the journal and for the workspace's
    /// own files.
    ///
    /// # Errors
    /// 503.
    pub async fn require_reserve(&self) -> Result<(), ApiError> {
        self.on_disk(|store| reserve(store, pictures::PICTURE_BYTES_MAX))
            .await
    }

    /// A scaled version of the picture with a digest.
    ///
    /// # Errors
    /// Those of the operating system; others if it cannot be decoded.
    pub async fn scaled(&self, digest: String, scale: Scale) -> io::Result<fs::File> {
        let _turn = self.pictures.acquire().await.map_err(io::Error::other)?;
        let store = Arc::clone(&self.store);
        blocking(move || {
            let make = |picture, out: &mut fs::File| pictures::scale(picture, scale, out);
            store.derived(&digest, scale.name(), make)
        })
        .await
    }

    /// The dimensions of a picture that was received.
    pub async fn dimensions(&self, name: &str, incoming: &Incoming) -> Option<Dimensions> {
        if !file_name::media_type(name).starts_with("image/") {
            return None;
        }
        let _turn = self.pictures.acquire().await.ok()?;
        let picture = incoming.reader().ok()?;
        let found = blocking(move || Ok(pictures::dimensions(picture))).await;
        let (width, height) = found.ok().flatten()?;
        Some(Dimensions { width, height })
    }
}

/// Bytes that files of peers leave free on the disk, for the journal and for the workspace's own files.
const DISK_RESERVE_BYTES: u64 = 256 << 20;

/// Checks that there is room for bytes of a peer.
///
/// # Errors
/// `StorageFull`, or those of the operating system.
pub fn reserve(store: &FileStore, bytes: u64) -> io::Result<()> {
    if store.free_bytes()?.saturating_sub(bytes) < DISK_RESERVE_BYTES {
        return Err(io::ErrorKind::StorageFull.into());
    }
    Ok(())
}

/// Adds a file that was received completely.
///
/// # Errors
/// The kernel's refusal, or 503 if the file cannot be stored.
pub async fn add(
    app: &SharedApp,
    user: UserNo,
    channel: ChannelNo,
    name: String,
    incoming: Incoming,
) -> Result<Option<Object>, ApiError> {
    let dimensions = app.files.dimensions(&name, &incoming).await;
    let kept = app.files.on_disk(|store| store.keep(incoming)).await?;
    add_kept(app, user, channel, name, dimensions, kept).await
}

/// Adds a file whose bytes are stored.
///
/// # Errors
/// The kernel's refusal, or 503 if it accepts no input.
pub async fn add_kept(
    app: &SharedApp,
    user: UserNo,
    channel: ChannelNo,
    name: String,
    dimensions: Option<Dimensions>,
    kept: Kept,
) -> Result<Option<Object>, ApiError> {
    let command = Command::AddFile(AddFile {
        channel,
        name,
        size: kept.size(),
        digest: kept.digest().to_string(),
        dimensions,
    });
    act_with(app, user, command, kept).await
}

/// Carries out a user's command about bytes that are stored.
///
/// # Errors
/// The kernel's refusal, or 503 if it accepts no input.
pub async fn act_with(
    app: &SharedApp,
    user: UserNo,
    command: Command,
    kept: Kept,
) -> Result<Option<Object>, ApiError> {
    let app = Arc::clone(app);
    hand_over(kept, async move { app.act(user, command).await }).await?
}

/// Hands bytes that are stored to the workspace. Not cancelled with the request: until the workspace needs the
/// bytes, they must not be swept.
///
/// # Errors
/// 500 if `handing` panics.
pub async fn hand_over<T: Send + 'static>(
    kept: Kept,
    handing: impl Future<Output = T> + Send + 'static,
) -> Result<T, ApiError> {
    let handed = tokio::spawn(async move {
        let answer = handing.await;
        drop(kept);
        answer
    });
    handed.await.map_err(|_| ApiError::internal())
}

/// Removes the bytes that no file needs any more.
///
/// # Errors
/// Those of the operating system.
pub async fn sweep(app: &SharedApp) -> io::Result<Swept> {
    let app = Arc::clone(app);
    blocking(move || {
        let is_needed = |digest: &str| app.rows().has::<FileBytes>(&digest.to_string());
        app.files.store.sweep(is_needed)
    })
    .await
}

/// Runs work that waits for the disk or the processor.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}

/// A file cannot be stored or read right now.
#[must_use]
pub fn disk_error(error: &io::Error) -> ApiError {
    static FAILURES: RepeatedLine = RepeatedLine::new();
    if let Some(left_out) = FAILURES.next() {
        tracing::error!(%error, left_out, "a file cannot be stored or read");
    }
    ApiError::unavailable(
        "The disk of this workspace has no room for the file or cannot be used; try again later.",
    )
}

/// The body of a request with a file ended early, or is not what its headers say.
#[must_use]
pub fn unreadable() -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "api.file.upload_file.read_request.app_error",
        "The request with the file is empty, ended early, or is not in the form that it claims to have.",
    )
}

/// A file exceeds the limit.
#[must_use]
pub fn too_large(settings: &FileSettings) -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "api.file.upload_file.too_large_detailed.app_error",
        format!(
            "The file is larger than the {} bytes allowed here.",
            settings.max_file_size
        ),
    )
}

/// An upload cannot begin or continue; `too_many` is for one that is one too many.
pub fn upload_refusal(error: &UploadError, too_many: impl FnOnce() -> ApiError) -> ApiError {
    match error {
        UploadError::Unknown => ApiError::not_found("app.upload.get.app_error", "upload"),
        UploadError::Busy => ApiError::new(
            StatusCode::BAD_REQUEST,
            "app.upload.upload_data.concurrent.app_error",
            "Another request is sending this upload's bytes; wait for its end.",
        ),
        UploadError::TooMany => too_many(),
        UploadError::Disk(error) => disk_error(error),
    }
}
