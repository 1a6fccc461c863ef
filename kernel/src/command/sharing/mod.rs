//! Sharing channels: see [`crate::sharing`], which also handles what peers do.

mod answer;
mod invite;
mod uninvite;
mod unshare;

pub use answer::AnswerChannelInvitation;
pub use invite::InviteToChannel;
pub use uninvite::UninviteFromChannel;
pub use unshare::UnshareChannel;
