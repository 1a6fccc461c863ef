//! The kinds of items of a sync message, one file each: what is read, asked, stored and answered.

pub mod posts;
pub mod reactions;
pub mod users;

/// Bytes of an id that is echoed in a list of errors; what is longer is no id of anything.
const ECHO_BYTES_MAX: usize = 64;

/// Adds an id to a list of errors, once.
fn list_error(errors: &mut Vec<String>, id: &str) {
    if id.len() <= ECHO_BYTES_MAX && !errors.iter().any(|listed| listed == id) {
        errors.push(id.to_string());
    }
}
