//! Posts: writing, editing and deleting them. Client API §7.

mod create;
mod delete;
mod edit;

use std::rc::Rc;

pub use create::CreatePost;
pub use delete::DeletePost;
pub use edit::EditPost;

use crate::authority;
use crate::boundary::env::Rows;
use crate::boundary::output::Refusal;
use crate::model::limits::{MESSAGE_CHARS_MAX, PROPS_BYTES_MAX};
use crate::model::{Channel, Post};
use crate::rows::id::{PostNo, UserNo};
use crate::rows::tx::{Read, Tx};
use crate::wire::json::{Document, JsonType};

/// A live post that a user may read, and its channel. Unknown and deleted posts get the same answer.
pub(super) fn readable(
    tx: &Tx<'_>,
    post_no: PostNo,
    user: UserNo,
) -> Result<(Post, Rc<Channel>), Refusal> {
    let post = tx.get::<Post>(&post_no).ok_or_else(missing)?;
    if !authority::may_read_channel(tx, post.channel, user) {
        return Err(Refusal::forbidden());
    }
    if post.delete_at != 0 {
        return Err(missing());
    }
    let row = tx.channel(post.channel).ok_or_else(missing)?;
    Ok((post, row))
}

fn missing() -> Refusal {
    Refusal::new(404, "app.post.get.app_error", "Unable to get the post.")
}

fn check_message(message: &str) -> Result<(), Refusal> {
    // Compare bytes first: counting the characters of megabytes would be wasted work.
    let long = message.len() > MESSAGE_CHARS_MAX * 4
        || (message.len() > MESSAGE_CHARS_MAX && message.chars().count() > MESSAGE_CHARS_MAX);
    if long {
        return Err(Refusal::new(
            400,
            "model.post.is_valid.message_length.app_error",
            format!("Post Message property is longer than {MESSAGE_CHARS_MAX} characters."),
        ));
    }
    Ok(())
}

fn check_props(props: &str) -> Result<(), Refusal> {
    if props.is_empty() {
        return Ok(());
    }
    let object = props.len() <= PROPS_BYTES_MAX
        && Document::parse(props.as_bytes()).is_ok_and(|document| {
            document.root().kind() == JsonType::Object
                && document.root().raw().len() == props.trim().len()
        });
    if object {
        Ok(())
    } else {
        Err(Refusal::new(
            400,
            "model.post.is_valid.props.app_error",
            "Invalid props.",
        ))
    }
}

/// An empty object is stored as an empty text.
fn stored_props(props: &str) -> String {
    let props = props.trim();
    if props == "{}" {
        String::new()
    } else {
        props.to_string()
    }
}
