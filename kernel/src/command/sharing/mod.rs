//! Sharing channels: see [`crate::sharing`], which also handles what peers do.

mod invite;
mod uninvite;
mod unshare;

pub use invite::InviteToChannel;
pub use uninvite::UninviteFromChannel;
pub use unshare::UnshareChannel;
