//! Removing a custom emoji.

use serde::{Deserialize, Serialize};

use crate::authority;
use crate::boundary::output::{Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::model::{CustomEmoji, kind};
use crate::objects::files;
use crate::rows::id::EmojiNo;
use crate::rows::tx::{Read, Tx};

/// Removes a custom emoji. Reactions and texts keep its name.
///
/// # Errors
/// The actor neither made it nor administers the system; there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveEmoji {
    /// The emoji.
    pub emoji: EmojiNo,
}
texts!(struct RemoveEmoji { emoji });

impl Act for RemoveEmoji {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let emoji = tx.get::<CustomEmoji>(&self.emoji).ok_or_else(|| {
            Refusal::new(404, "app.emoji.get.no_result", "There is no such emoji.")
        })?;
        let is_maker = authority::acting_user(tx, by.actor).is_ok_and(|user| user == emoji.creator);
        if !is_maker {
            authority::require_admin(tx, by.actor)?;
        }
        files::release_bytes(tx, &emoji.digest);
        tx.unbind_id(kind::EMOJI, emoji.id);
        tx.unbind_name(kind::EMOJI_NAME, &emoji.name);
        tx.delete::<CustomEmoji>(&self.emoji);
        Ok(Reply::Done)
    }
}
