//! Profile pictures, and those that a peer is still to get.

use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Text, no_texts, texts};
use crate::rows::id::{ChannelNo, UserNo};

/// A user's picture, without its bytes: a PNG that the host has cropped and scaled. There is no row for a user
/// who never had one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Digest of its bytes in hexadecimal digits; names the bytes in the host's store.
    pub digest: String,
    /// Size in bytes.
    pub size: u64,
    /// Whether the user removed theirs: then it was generated from the name, and clients get the one for the
    /// present name.
    pub is_generated: bool,
}
texts!(struct Picture {
    digest: Text::Words,
    size,
    is_generated,
});

/// A picture that a peer is still to get. It is always the present one that is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureDebt {
    /// `last_picture_update` of the version that was tried last, in ms.
    pub version: i64,
    /// Attempts that failed with that version.
    pub failures: u32,
    /// Those of them that the peer refused.
    pub refusals: u32,
    /// When it is tried again, in ms; 0 = not before it changes.
    pub retry_at: i64,
}

/// When a picture is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureTime;

/// A picture that a peer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentPicture {
    /// `last_picture_update` of the version that it holds, in ms.
    pub version: i64,
    /// A channel in which it held the profile then.
    pub channel: ChannelNo,
    /// The epoch of that channel's link: a later one means that the peer may have lost the picture.
    pub epoch: u32,
}

/// The picture in flight on a connection. It waits for nothing else that is in flight, nor anything for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureTransfer {
    /// The attempt in flight.
    pub attempt: u64,
    /// Whose picture.
    pub user: UserNo,
    /// What the peer will hold.
    pub sent: SentPicture,
}

no_texts!(PictureDebt, PictureTime, SentPicture, PictureTransfer);
