//! Files. The host keeps their bytes, named by digest; everything else about them is decided here.

use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Text, no_texts, texts};
use crate::rows::id::{ChannelNo, Id, PostNo, UserNo, WorkspaceNo};

/// Length of a digest of bytes, in hexadecimal digits.
pub const DIGEST_CHARS: usize = 64;

/// A file, without its bytes. Its row is deleted with its post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Id, the same in every workspace.
    pub id: Id,
    /// Where it was uploaded; never changes.
    pub origin: WorkspaceNo,
    /// Who uploaded it.
    pub user: UserNo,
    /// The channel for which it was uploaded.
    pub channel: ChannelNo,
    /// The post that took it.
    pub post: Option<PostNo>,
    /// When it was uploaded, in ms.
    pub create_at: i64,
    /// Its name, without a path.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// Digest of its bytes in hexadecimal digits; names the bytes in the host's store. Empty if a peer's post
    /// names the file and its bytes have not arrived.
    pub digest: String,
    /// Dimensions of a picture that can be previewed.
    pub dimensions: Option<Dimensions>,
}
texts!(struct File {
    id,
    origin,
    user,
    channel,
    post,
    create_at,
    name: Text::Words,
    size,
    digest: Text::Words,
    dimensions,
});

impl File {
    /// Whether its bytes are here.
    #[must_use]
    pub fn is_here(&self) -> bool {
        !self.digest.is_empty()
    }
}

/// Dimensions of a picture as it is shown, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimensions {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}
no_texts!(Dimensions);

/// How many files, and profile pictures, have the same bytes. Bytes without a row are not needed, and the host
/// may remove them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileBytes {
    /// Files.
    pub files: u64,
}

/// A file that no post has taken yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnpostedFile;

/// The unposted files of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnpostedCount {
    /// Files.
    pub files: u32,
}
/// The files in the live posts of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelFiles {
    /// Files.
    pub files: u64,
}
no_texts!(FileBytes, UnpostedFile, UnpostedCount, ChannelFiles);
