//! HTTP for every part of the service: one error shape, one set of headers, bounded bodies, and an accept
//! loop with its own limits. Client API §2, protocol §4.

pub mod answers;
pub mod body;
pub mod budget;
pub mod client;
pub mod connections;
pub mod descriptors;
pub mod error;
pub mod finish;
pub mod server;
pub mod slashes;
mod stream;
pub mod target;
mod unread;
pub mod visitor;

pub use body::{Json, OptionalJson, StrangersJson, read_limited};
pub use error::ApiError;
pub use visitor::{Visitor, Who};

use causeway_kernel::rows::id::Id;

/// The version of the reference whose behaviour is offered; clients compare it.
pub const SERVER_VERSION: &str = "10.11.0";

/// The project's own version, given where clients expect a build number.
pub const BUILD_NUMBER: &str = env!("CARGO_PKG_VERSION");

/// Maximum bytes of a request's path and query; a longer one is refused with 414.
pub const URI_BYTES_MAX: usize = 2048;

/// Maximum bytes of an ordinary JSON body; a larger one is refused with 413. Enough for the largest post (16
/// 383 characters and 170 000 bytes of properties, each escaped).
pub const JSON_BYTES_MAX: usize = 1 << 20;

/// Maximum bytes of a JSON body from a client without a session; a larger one is refused with 413.
pub const STRANGERS_JSON_BYTES_MAX: usize = 16 * 1024;

/// Sixteen random bytes as an id of the protocol's shape.
#[must_use]
pub fn random_id() -> Id {
    let mut bytes = [0; 16];
    // Without random bytes the id is merely less unique: it names a request and protects nothing.
    let _ = getrandom::fill(&mut bytes);
    Id::from_uuid_bytes(bytes)
}
