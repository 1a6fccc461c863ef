//! Deleting a post.

use serde::{Deserialize, Serialize};

use super::readable;
use crate::authority;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::objects::posts;
use crate::rows::id::PostNo;
use crate::rows::tx::Tx;

/// Deletes a post, a root with its replies: one's own, or another user's as a channel admin. Only our copy of
/// a peer's post is deleted; the post remains at its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletePost {
    /// The post.
    pub post: PostNo,
}
texts!(struct DeletePost { post });

impl Act for DeletePost {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let post_no = self.post;
        let user = authority::acting_user(tx, by.actor)?;
        let (mut post, row) = readable(tx, post_no, user)?;
        if !authority::may_delete_post(tx, &post, user) {
            return Err(Refusal::forbidden());
        }
        if row.delete_at != 0 {
            return Err(Refusal::new(
                400,
                "api.post.delete_post.can_not_delete_post_in_deleted.error",
                "This channel is archived; its posts stay as they are.",
            ));
        }
        if !post.origin.is_ours() {
            post.moderated = true;
            tx.put(&post_no, &post);
        }
        posts::delete(tx, post_no, 0);
        Ok(Reply::Object(Object::Post(post_no)))
    }
}
