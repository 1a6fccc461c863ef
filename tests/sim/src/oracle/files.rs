//! I17: whatever happens, a workspace keeps the bytes of its files: each live post still has the files that it
//! shows, and every digest has a row that counts the files and pictures
//! which need its bytes.

use std::collections::BTreeMap;

use causeway_kernel::model::{File, FileBytes, Picture, Post};
use causeway_kernel::rows::memory::Tables;
use causeway_kernel::rows::tx::Read;

use super::{FILES, Violation, broken};

/// Rows of a table at most.
const ROWS_MAX: u32 = 1_000_000;

/// Judges a workspace at the end of a run.
///
/// # Errors
/// If the bytes of a file would be removed although it is needed, or kept although none is.
pub fn check_end(node: usize, rows: &Tables) -> Result<(), Violation> {
    let violated = |what: String| Err(broken(FILES, format!("node {node}: {what}")));
    for (no, post) in rows.prefix::<Post, ()>(&(), ROWS_MAX) {
        for file in &post.files {
            let taken_by = rows.get::<File>(file).and_then(|file| file.post);
            if taken_by != Some(no) {
                return violated(format!(
                    "{file:?} of the post {} is that of {taken_by:?}",
                    post.id
                ));
            }
        }
    }
    let mut needed: BTreeMap<String, u64> = BTreeMap::new();
    for (no, file) in rows.prefix::<File, ()>(&(), ROWS_MAX) {
        let post = file.post.map(|post| rows.get::<Post>(&post));
        let has = |post: Option<Post>| post.is_some_and(|post| post.files.contains(&no));
        if post.is_some_and(|post| !has(post)) {
            return violated(format!("{no:?} says that a post has it, which has not"));
        }
        // The bytes of a file that is only expected are not here yet.
        if file.is_here() {
            *needed.entry(file.digest).or_default() += 1;
        }
    }
    for (_, picture) in rows.prefix::<Picture, ()>(&(), ROWS_MAX) {
        *needed.entry(picture.digest).or_default() += 1;
    }
    let kept = rows.prefix::<FileBytes, ()>(&(), ROWS_MAX).into_iter();
    let kept: BTreeMap<String, u64> = kept.map(|(digest, row)| (digest, row.files)).collect();
    if kept != needed {
        return violated(format!(
            "the bytes {needed:?} are needed, and {kept:?} are kept"
        ));
    }
    Ok(())
}
