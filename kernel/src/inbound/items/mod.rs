//! The kinds of items of a sync message, one file each: parsing, questions, storage and answers.

pub mod acknowledgements;
pub mod memberships;
pub mod posts;
pub mod reactions;
pub mod statuses;
pub mod users;

use crate::model::{IdRow, Post, kind};
use crate::rows::id::{Id, PostNo};
use crate::rows::lookup;
use crate::rows::tx::Tx;

/// Maximum bytes of an id that is echoed in a list of errors; longer texts are not ids.
const ECHO_BYTES_MAX: usize = 64;

/// Fetches the rows looked up by items that belong to posts, by the ids of their posts and users.
fn prefetch_parts<'i>(tx: &Tx<'_>, parts: impl Iterator<Item = (&'i str, &'i str)>) {
    let ids: Vec<(u8, Id)> = parts
        .flat_map(|(post, user)| [(kind::POST, post), (kind::USER, user)])
        .filter_map(|(of, id)| Some((of, Id::parse(id)?)))
        .collect();
    tx.prefetch::<IdRow>(ids.iter().copied());
    let posts = ids.iter().filter(|(of, _)| *of == kind::POST);
    let numbers: Vec<PostNo> = posts
        .filter_map(|(_, id)| lookup::post(tx, id.as_str()))
        .collect();
    tx.prefetch::<Post>(numbers.into_iter());
}

/// Adds an id to a list of errors, once.
fn list_error(errors: &mut Vec<String>, id: &str) {
    if id.len() <= ECHO_BYTES_MAX && !errors.iter().any(|listed| listed == id) {
        errors.push(id.to_string());
    }
}
