//! Removing a reaction.

use serde::{Deserialize, Serialize};

use super::require_react;
use crate::authority;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::post;
use crate::command::registry::{Act, By};
use crate::model::{Reaction, User};
use crate::objects::{next_version, reactions};
use crate::rows::id::{PostNo, UserNo};
use crate::rows::tx::{Read, Tx};

/// Removes a reaction: one's own, or another local user's as a system admin. A reaction of a peer's user is
/// kept until they remove it. Removing a missing reaction succeeds and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveReaction {
    /// The post.
    pub post: PostNo,
    /// The user who reacted.
    pub user: UserNo,
    /// Emoji name.
    pub emoji: String,
}
texts!(struct RemoveReaction { post, user, emoji: Text::Token });

impl Act for RemoveReaction {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let (post_no, owner, emoji) = (self.post, self.user, self.emoji.as_str());
        let user = authority::acting_user(tx, by.actor)?;
        let (post, channel) = post::readable(tx, post_no, user)?;
        let local = tx
            .get::<User>(&owner)
            .is_some_and(|owner| owner.origin.is_ours());
        if owner != user && !(local && authority::is_system_admin(tx, user)) {
            return Err(Refusal::forbidden());
        }
        let archived = "api.reaction.delete.archived_channel.app_error";
        require_react(tx, (&channel, post.channel), user, archived)?;
        let key = (post_no, owner, emoji.to_string());
        if let Some(held) = tx.get::<Reaction>(&key).filter(|held| held.delete_at == 0) {
            let update_at = next_version(tx.now_ms(), Some(held.update_at));
            let reaction = Reaction {
                update_at,
                delete_at: update_at,
                ..held
            };
            reactions::put(tx, post_no, owner, emoji, reaction);
        }
        let (post_no, owner, emoji) = key;
        Ok(Reply::Object(Object::Reaction(post_no, owner, emoji)))
    }
}
