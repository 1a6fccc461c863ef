//! The bytes of files. They are stored once for each digest; which digests are needed, and what else there is
//! to know about a file, is decided elsewhere.
//!
//! ```text
//! files/ab/ab12…              the bytes with the digest ab12…
//! files/ab/ab12….preview      a scaled version of a picture, made when first asked for
//! files/incoming/…            bytes that are being received
//! files/uploads/USER/ID.json  an upload that is received in several requests, and its bytes so far (.part)
//! ```
//!
//! Everything here blocks on the disk: call it from threads that may block.

pub mod emoji;
mod incoming;
pub mod pictures;
pub mod profile_pictures;
mod store;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod testing;
mod uploads;

pub use incoming::Incoming;
pub use store::{FileStore, Kept, Swept};
pub use uploads::{OpenUpload, UPLOADS_OF_USER_MAX, Upload, UploadError};
