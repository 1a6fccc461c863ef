//! Adding a custom emoji.

use serde::{Deserialize, Serialize};

use crate::authority;
use crate::boundary::output::{Effect, Event, Object, Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::registry::{Act, By};
use crate::model::limits::{CUSTOM_EMOJI_MAX, EMOJI_PICTURE_BYTES_MAX};
use crate::model::{CustomEmoji, DIGEST_CHARS, NameRow, kind, naming};
use crate::objects::files;
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};

/// Adds a custom emoji whose picture the host has scaled and stored.
///
/// # Errors
/// The name is no name of an emoji, or taken; the workspace has as many as it may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddEmoji {
    /// Its name.
    pub name: String,
    /// Digest of the picture's bytes, in hexadecimal digits.
    pub digest: String,
    /// Their number.
    pub size: u64,
}
texts!(struct AddEmoji {
    name: Text::Token,
    digest: Text::Words,
    size,
});

impl Act for AddEmoji {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let creator = authority::acting_user(tx, by.actor)?;
        let name = self.name.as_str();
        if !naming::is_emoji_name(name) {
            return Err(Refusal::new(
                400,
                "model.emoji.name.app_error",
                "The name of an emoji has 1 to 64 letters, digits, hyphens, plus signs and underscores.",
            ));
        }
        if lookup::emoji_name(tx, name).is_some() {
            return Err(Refusal::new(
                400,
                "api.emoji.create.duplicate.app_error",
                "There is an emoji of this name already. Choose another name.",
            ));
        }
        let names = tx.prefix::<NameRow, _>(&kind::EMOJI_NAME, CUSTOM_EMOJI_MAX);
        if names.len() >= CUSTOM_EMOJI_MAX as usize {
            return Err(Refusal::new(
                400,
                "api.emoji.create.too_many.app_error",
                format!("A workspace has at most {CUSTOM_EMOJI_MAX} emoji. Delete one first."),
            ));
        }
        // Masking replaces digits by letters, so more than this is not checked.
        if self.digest.len() != DIGEST_CHARS || self.size > EMOJI_PICTURE_BYTES_MAX {
            return Err(Refusal::invalid_param("image"));
        }
        files::hold_bytes(tx, &self.digest);
        let no = tx.next_emoji();
        let emoji = CustomEmoji {
            id: tx.new_id(),
            name: name.to_string(),
            creator,
            create_at: tx.now_ms(),
            digest: self.digest.clone(),
        };
        tx.bind_id(kind::EMOJI, emoji.id, no.0);
        tx.bind_name(kind::EMOJI_NAME, name, no.0);
        tx.put(&no, &emoji);
        tx.effect(Effect::Event(Event::EmojiAdded(no)));
        Ok(Reply::Object(Object::Emoji(no)))
    }
}
