//! Earlier versions of posts. Client API §6.4.

use causeway_kernel::model::limits::EARLIER_VERSIONS_MAX;
use causeway_kernel::model::{EarlierVersion, Post};
use causeway_kernel::rows::id::{Id, PostNo};
use causeway_kernel::rows::tx::Read;

/// An earlier version of a post, with an id of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its id, which follows from the post's and its place.
    pub id: Id,
    /// The text.
    pub message: String,
    /// When it was written, in ms.
    pub written_at: i64,
    /// When the next one was written, in ms.
    pub replaced_at: i64,
}

/// The earlier versions of a post, the latest first.
pub fn of_post(rows: &(impl Read + ?Sized), no: PostNo, post: &Post) -> Vec<Version> {
    let found = rows.prefix::<EarlierVersion, _>(&no, EARLIER_VERSIONS_MAX);
    let mut replaced_at = post.edit_at;
    let mut versions = Vec::new();
    for ((_, number), row) in found.into_iter().rev() {
        versions.push(Version {
            id: id_of(post.id, number),
            message: row.message,
            written_at: row.written_at,
            replaced_at,
        });
        replaced_at = row.written_at;
    }
    versions
}

fn id_of(post: Id, number: u32) -> Id {
    let digest = blake3::hash(format!("{post}/{number}").as_bytes());
    let uuid = digest.as_bytes().first_chunk().copied();
    Id::from_uuid_bytes(uuid.unwrap_or_default())
}
