//! Editing and pinning a post.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::{check_message, check_props, readable, stored_props};
use crate::authority;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::{Json, Text, texts};
use crate::command::registry::{Act, By};
use crate::model::Post;
use crate::objects::posts;
use crate::rows::id::{PostNo, UserNo};
use crate::rows::tx::Tx;

/// Changes a post: its text and properties as its author or, for another user's post, as a system admin; its
/// pin as a member of the channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditPost {
    /// The post.
    pub post: PostNo,
    /// New text.
    pub message: Option<String>,
    /// New properties, JSON text of an object.
    pub props: Option<String>,
    /// Whether it is pinned.
    pub is_pinned: Option<bool>,
}
texts!(struct EditPost { post, message: Text::Words, props: Json::Any, is_pinned });

impl Act for EditPost {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let post_no = self.post;
        let user = authority::acting_user(tx, by.actor)?;
        let (mut post, row) = readable(tx, post_no, user)?;
        let old = post.clone();
        if let Some(message) = &self.message {
            post.message = message.to_string();
        }
        if let Some(props) = &self.props {
            check_props(props)?;
            post.props = stored_props(props);
        }
        if let Some(is_pinned) = self.is_pinned {
            post.is_pinned = is_pinned;
        }
        if post == old {
            return Ok(Reply::Object(Object::Post(post_no)));
        }
        let rewritten = post.message != old.message || post.props != old.props;
        if rewritten && !authority::may_edit_post(tx, &old, user) {
            return Err(not_theirs(tx, &old, user));
        }
        if row.delete_at != 0 {
            return Err(Refusal::new(
                400,
                "api.post.update_post.can_not_update_post_in_deleted.error",
                "This channel is archived; its posts stay as they are.",
            ));
        }
        // Admins who edit another user's post need not be members of the channel.
        if !rewritten || old.user == user {
            authority::require_write(tx, post.channel, &row, user)?;
        }
        if posts::is_system(&post.kind) {
            return Err(Refusal::new(
                400,
                "api.post.update_post.system_message.app_error",
                "System messages cannot be changed.",
            ));
        }
        if post.message != old.message {
            check_message(&post.message)?;
            post.hashtags = posts::hashtags(&post.message);
            // The channel's stamp of this step: `posts::update` sets `update_at` to the same value.
            let mut row = Rc::unwrap_or_clone(row);
            post.edit_at = tx.stamp(post.channel, &mut row);
        }
        posts::update(tx, post_no, post);
        Ok(Reply::Object(Object::Post(post_no)))
    }
}

/// Why a user may not rewrite a post. Users who may rewrite other users' posts are told why not this one.
fn not_theirs(tx: &Tx<'_>, post: &Post, user: UserNo) -> Refusal {
    if post.origin.is_ours() || !authority::is_system_admin(tx, user) {
        return Refusal::forbidden();
    }
    Refusal::new(
        403,
        "api.post.update_post.remote.app_error",
        "This post was written in another workspace; only there it can be changed. Here it can be \
         deleted.",
    )
}
