//! Reacting to a post.

use serde::{Deserialize, Serialize};

use super::require_react;
use crate::authority;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::post;
use crate::command::registry::{Act, By};
use crate::model::limits::{EMOJI_PER_POST_MAX, REMOVED_REACTIONS_MAX};
use crate::model::{Reaction, naming};
use crate::objects::reaction_counts::{self, Full};
use crate::objects::{next_version, reactions};
use crate::rows::id::{FeedSeq, PostNo, WorkspaceNo};
use crate::rows::tx::{Read, Tx};

/// Adds a reaction of the actor; an existing one is left unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddReaction {
    /// The post.
    pub post: PostNo,
    /// Emoji name.
    pub emoji: String,
}
texts!(struct AddReaction { post, emoji: Text::Token });

impl Act for AddReaction {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let (post_no, emoji) = (self.post, self.emoji.as_str());
        let user = authority::acting_user(tx, by.actor)?;
        let (post, channel) = post::readable(tx, post_no, user)?;
        let archived = "api.reaction.save.archived_channel.app_error";
        require_react(tx, (&channel, post.channel), user, archived)?;
        if !naming::is_emoji_name(emoji) {
            return Err(Refusal::new(
                400,
                "model.reaction.is_valid.emoji_name.app_error",
                "Invalid emoji name.",
            ));
        }
        let key = (post_no, user, emoji.to_string());
        let held = tx.get::<Reaction>(&key);
        if held.as_ref().is_none_or(|held| held.delete_at != 0) {
            reaction_counts::check_room(tx, &key, held.as_ref(), WorkspaceNo::OURS)
                .map_err(refusal)?;
            let now_ms = tx.now_ms();
            let reaction = Reaction {
                origin: WorkspaceNo::OURS,
                create_at: now_ms,
                update_at: next_version(now_ms, held.as_ref().map(|held| held.update_at)),
                delete_at: 0,
                feed_seq: held.map_or(FeedSeq(0), |held| held.feed_seq),
            };
            reactions::put(tx, post_no, user, emoji, reaction);
        }
        let (post_no, user, emoji) = key;
        Ok(Reply::Object(Object::Reaction(post_no, user, emoji)))
    }
}

fn refusal(full: Full) -> Refusal {
    let message = match full {
        Full::Emoji => format!("A post has at most {EMOJI_PER_POST_MAX} different emoji."),
        Full::Removed => format!(
            "You have taken {REMOVED_REACTIONS_MAX} reactions to this post back and can add no \
             further emoji to it, only those again."
        ),
    };
    Refusal::new(400, "app.reaction.save.save.too_many_reactions", message)
}
