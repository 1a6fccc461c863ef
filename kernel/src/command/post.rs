//! Posts: writing, editing and deleting them. Client API §7.

use super::{CreatePost, channel, request};
use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::{Object, Refusal};
use crate::model::limits::{MESSAGE_CHARS_MAX, POST_TYPE_BYTES_MAX, PROPS_BYTES_MAX};
use crate::model::{Channel, ChannelMember, Post};
use crate::objects::posts;
use crate::rows::id::{FeedSeq, PostNo, UserNo, WorkspaceNo};
use crate::rows::tx::{Read, Tx};
use crate::wire::json::{Document, Kind};

/// Changes of a post; what is `None` stays.
pub(super) struct Edit<'e> {
    pub(super) message: Option<&'e str>,
    pub(super) props: Option<&'e str>,
    pub(super) is_pinned: Option<bool>,
}

/// Writes a post. The same key of the same user again returns the post already made, whatever
/// else the request says now.
pub(super) fn create(
    tx: &mut Tx<'_>,
    actor: Actor,
    key: Option<&str>,
    new: &CreatePost,
) -> Result<Object, Refusal> {
    let user = authority::acting_user(tx, actor)?;
    let key = key.filter(|key| !key.is_empty());
    if let Some(key) = key {
        request::check(key)?;
        if let Some(post) = request::find(tx, user, key) {
            return Ok(Object::Post(post));
        }
    }
    let row = tx
        .get::<Channel>(&new.channel)
        .ok_or_else(Refusal::forbidden)?;
    authority::require_write(tx, new.channel, &row, user)?;
    check_kind(&new.kind)?;
    check_message(&new.message)?;
    check_props(&new.props)?;
    if let Some(root) = new.root {
        check_root(tx, new, root)?;
    }
    let post = Post {
        id: tx.new_id(),
        origin: WorkspaceNo::OURS,
        user,
        channel: new.channel,
        root: new.root,
        create_at: 0,
        update_at: 0,
        edit_at: 0,
        delete_at: 0,
        origin_update_at: 0,
        is_pinned: false,
        message: new.message.clone(),
        kind: new.kind.clone(),
        props: stored_props(&new.props),
        hashtags: posts::hashtags(&new.message),
        reply_count: 0,
        last_reply_at: 0,
        reaction_count: 0,
        pending_post_id: key.unwrap_or_default().to_string(),
        feed_seq: FeedSeq(0),
        moderated: false,
    };
    let post_no = posts::insert(tx, post);
    mark_seen(tx, new, user);
    if let Some(key) = key {
        request::remember(tx, user, key, post_no);
    }
    Ok(Object::Post(post_no))
}

/// Who writes in a channel has seen it.
fn mark_seen(tx: &mut Tx<'_>, new: &CreatePost, user: UserNo) {
    let key = (new.channel, user);
    if let (Some(member), Some(row)) = (
        tx.get::<ChannelMember>(&key),
        tx.get::<Channel>(&new.channel),
    ) {
        tx.put(&key, &channel::seen(&member, &row));
    }
}

/// Changes a post: its text and properties as its author, its pin as a member of the channel.
pub(super) fn edit(
    tx: &mut Tx<'_>,
    actor: Actor,
    post_no: PostNo,
    edit: &Edit<'_>,
) -> Result<Object, Refusal> {
    let user = authority::acting_user(tx, actor)?;
    let (mut post, row) = readable(tx, post_no, user)?;
    let old = post.clone();
    if let Some(message) = edit.message {
        post.message = message.to_string();
    }
    if let Some(props) = edit.props {
        check_props(props)?;
        post.props = stored_props(props);
    }
    if let Some(is_pinned) = edit.is_pinned {
        post.is_pinned = is_pinned;
    }
    if post == old {
        return Ok(Object::Post(post_no));
    }
    let rewritten = post.message != old.message || post.props != old.props;
    if rewritten && !authority::may_edit_post(&old, user) {
        return Err(Refusal::forbidden());
    }
    if row.delete_at != 0 {
        return Err(Refusal::new(
            400,
            "api.post.update_post.can_not_update_post_in_deleted.error",
            "This channel is archived; its posts stay as they are.",
        ));
    }
    authority::require_write(tx, post.channel, &row, user)?;
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
        // The channel's stamp of this step: `posts::update` gives the same as `update_at`.
        let mut row = row;
        post.edit_at = tx.stamp(post.channel, &mut row);
    }
    posts::update(tx, post_no, post);
    Ok(Object::Post(post_no))
}

/// Deletes a post, a root with its replies: one's own, or another's as an administrator of the
/// channel. Of a peer's post only our copy goes; it remains with its origin.
pub(super) fn delete(tx: &mut Tx<'_>, actor: Actor, post_no: PostNo) -> Result<Object, Refusal> {
    let user = authority::acting_user(tx, actor)?;
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
    Ok(Object::Post(post_no))
}

/// A live post that a user may read, and its channel. Unknown and deleted ones answer alike.
pub(super) fn readable(
    tx: &Tx<'_>,
    post_no: PostNo,
    user: UserNo,
) -> Result<(Post, Channel), Refusal> {
    let post = tx.get::<Post>(&post_no).ok_or_else(missing)?;
    if !authority::may_read_channel(tx, post.channel, user) {
        return Err(Refusal::forbidden());
    }
    if post.delete_at != 0 {
        return Err(missing());
    }
    let row = tx.get::<Channel>(&post.channel).ok_or_else(missing)?;
    Ok((post, row))
}

fn missing() -> Refusal {
    Refusal::new(404, "app.post.get.app_error", "Unable to get the post.")
}

fn check_root(tx: &Tx<'_>, new: &CreatePost, root_no: PostNo) -> Result<(), Refusal> {
    let root = tx.get::<Post>(&root_no).filter(|root| root.delete_at == 0);
    let Some(root) = root.filter(|root| root.root.is_none()) else {
        return Err(Refusal::new(
            400,
            "api.post.create_post.root_id.app_error",
            "Invalid RootId parameter: it does not name the root of a thread.",
        ));
    };
    if root.channel != new.channel {
        return Err(Refusal::new(
            400,
            "api.post.create_post.channel_root_id.app_error",
            "Invalid ChannelId for RootId parameter.",
        ));
    }
    Ok(())
}

fn check_message(message: &str) -> Result<(), Refusal> {
    // Bytes first: counting the characters of megabytes is work that nobody asked for.
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

fn check_kind(kind: &str) -> Result<(), Refusal> {
    if posts::is_system(kind) {
        return Err(Refusal::new(
            400,
            "api.context.invalid_param.app_error",
            "Invalid type parameter: system messages are written by the system.",
        ));
    }
    let custom = kind.strip_prefix("custom_").is_some_and(|rest| {
        rest.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    });
    if kind.is_empty() || kind == "me" || (custom && kind.len() <= POST_TYPE_BYTES_MAX) {
        Ok(())
    } else {
        Err(Refusal::new(
            400,
            "model.post.is_valid.type.app_error",
            "Invalid type.",
        ))
    }
}

fn check_props(props: &str) -> Result<(), Refusal> {
    if props.is_empty() {
        return Ok(());
    }
    let object = props.len() <= PROPS_BYTES_MAX
        && Document::parse(props.as_bytes()).is_ok_and(|document| {
            document.root().kind() == Kind::Object
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

/// No properties are stored as nothing.
fn stored_props(props: &str) -> String {
    let props = props.trim();
    if props == "{}" {
        String::new()
    } else {
        props.to_string()
    }
}
