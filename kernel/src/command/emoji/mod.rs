//! Custom emoji: pictures of this workspace with a name. Reactions to posts carry the name alone, so that a peer shows
//! its own emoji of that name, as in the reference.

mod add;
mod remove;

pub use add::AddEmoji;
pub use remove::RemoveEmoji;
