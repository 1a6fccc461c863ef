//! `Emoji`. Client API §5.

use causeway_kernel::model::CustomEmoji;
use causeway_kernel::rows::tx::Read;
use serde::Serialize;

use super::Views;

/// A custom emoji as clients see it.
#[derive(Serialize)]
pub struct EmojiView<'a> {
    id: &'a str,
    create_at: i64,
    update_at: i64,
    delete_at: i64,
    creator_id: String,
    name: &'a str,
}

impl<R: Read + ?Sized> Views<'_, R> {
    /// A custom emoji.
    pub fn emoji<'a>(&self, emoji: &'a CustomEmoji) -> EmojiView<'a> {
        EmojiView {
            id: emoji.id.as_str(),
            create_at: emoji.create_at,
            update_at: emoji.create_at,
            delete_at: 0,
            creator_id: self.user_id(emoji.creator),
            name: &emoji.name,
        }
    }
}
