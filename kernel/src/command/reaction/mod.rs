//! Reactions of local users.

mod add;
mod remove;

pub use add::AddReaction;
pub use remove::RemoveReaction;

use crate::authority;
use crate::boundary::output::Refusal;
use crate::model::Channel;
use crate::rows::id::UserNo;
use crate::rows::tx::Tx;

/// Requires that a user may react in a channel; an archived channel has its own error here.
fn require_react(
    tx: &Tx<'_>,
    (channel, channel_no): (&Channel, crate::rows::id::ChannelNo),
    user: UserNo,
    archived: &str,
) -> Result<(), Refusal> {
    if channel.delete_at != 0 && authority::is_channel_member(tx, channel_no, user) {
        let text = "This channel is archived; its reactions stay as they are.";
        return Err(Refusal::new(403, archived, text));
    }
    authority::require_write(tx, channel_no, channel, user)
}
