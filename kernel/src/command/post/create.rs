//! Writing a post.

use serde::{Deserialize, Serialize};

use super::{check_message, check_props, stored_props};
use crate::authority;
use crate::boundary::env::Rows;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::{Json, Text, texts};
use crate::command::channel::seen;
use crate::command::registry::{Act, By};
use crate::command::request;
use crate::model::limits::{FILES_PER_POST_MAX, POST_TYPE_BYTES_MAX};
use crate::model::{ChannelMember, Post, Priority};
use crate::objects::{files, posts};
use crate::rows::id::{ChannelNo, FeedSeq, FileNo, PostNo, UserNo, WorkspaceNo};
use crate::rows::tx::{Read, Tx};
use crate::sharing::{self, notice};

/// Writes a post. Repeating a key of the same user returns the post already made, whatever else the request
/// contains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatePost {
    /// Channel.
    pub channel: ChannelNo,
    /// Root of the thread, if the post is a reply.
    pub root: Option<PostNo>,
    /// The text.
    pub message: String,
    /// Properties, JSON text of an object; may be empty.
    pub props: String,
    /// Type; ordinary users may only use the empty one, `me` and `custom_…`.
    pub kind: String,
    /// What it asks of its readers; only for roots.
    pub priority: Option<Priority>,
    /// Its files, in order. Those that are not the author's own in this channel, or already in a post, are
    /// left out. Client API §7.1.
    pub files: Vec<FileNo>,
}
texts!(struct CreatePost {
    channel,
    root,
    message: Text::Words,
    props: Json::Any,
    kind: Text::Token,
    priority,
    files,
});

impl Act for CreatePost {
    const VERSION: u8 = 3;

    fn of_older_version(version: u8, body: &[u8]) -> Option<CreatePost> {
        match postcard::take_from_bytes(&[body, &missing_in(version)?].concat()) {
            Ok((post, [])) => Some(post),
            _ => None,
        }
    }

    fn to_older_version(&self, version: u8) -> Option<Vec<u8>> {
        let has_place = self.files.is_empty() && (version == 2 || self.priority.is_none());
        let body = postcard::to_allocvec(self).ok()?;
        let body = body.strip_suffix(missing_in(version)?.as_slice())?;
        has_place.then(|| body.to_vec())
    }

    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let user = authority::acting_user(tx, by.actor)?;
        let key = by.key.filter(|key| !key.is_empty());
        if let Some(key) = key {
            request::check(key)?;
            if let Some(post) = request::find(tx, user, key) {
                return Ok(Reply::Object(Object::Post(post)));
            }
        }
        let row = tx.channel(self.channel).ok_or_else(Refusal::forbidden)?;
        authority::require_write(tx, self.channel, &row, user)?;
        check_kind(&self.kind)?;
        check_message(&self.message)?;
        check_props(&self.props)?;
        if let Some(root) = self.root {
            check_root(tx, self, root)?;
        }
        check_priority(self)?;
        if self.files.len() > FILES_PER_POST_MAX {
            return Err(Refusal::new(
                400,
                "model.post.is_valid.file_ids.app_error",
                format!(
                    "A post can have {FILES_PER_POST_MAX} files at most; put the others into further posts."
                ),
            ));
        }
        sharing::direct::before_post(tx, self.channel, row.place, user)?;
        let post = Post {
            id: tx.new_id(),
            origin: WorkspaceNo::OURS,
            user,
            channel: self.channel,
            root: self.root,
            create_at: 0,
            update_at: 0,
            edit_at: 0,
            delete_at: 0,
            origin_update_at: 0,
            is_pinned: false,
            message: self.message.clone(),
            kind: self.kind.clone(),
            props: stored_props(&self.props),
            hashtags: posts::hashtags(&self.message),
            reply_count: 0,
            last_reply_at: 0,
            reaction_count: 0,
            pending_post_id: key.unwrap_or_default().to_string(),
            feed_seq: FeedSeq(0),
            moderated: false,
            ordered_at: 0,
            priority: self.priority,
            files: files::unposted(tx, user, self.channel, &self.files),
        };
        let post_no = posts::insert(tx, post);
        mark_seen(tx, self.channel, user);
        if let Some(key) = key {
            request::remember(tx, user, key, post_no);
        }
        Ok(Reply::Object(Object::Post(post_no)))
    }
}

/// The fields at the end that an older version did not have: up to version 1 the priority, up to version 2 the
/// files.
fn missing_in(version: u8) -> Option<Vec<u8>> {
    let (no_priority, no_files) = (None::<Priority>, Vec::<FileNo>::new());
    match version {
        1 => postcard::to_allocvec(&(no_priority, no_files)).ok(),
        2 => postcard::to_allocvec(&no_files).ok(),
        _ => None,
    }
}

/// Writing in a channel marks it as seen by the author.
fn mark_seen(tx: &mut Tx<'_>, channel: ChannelNo, user: UserNo) {
    let key = (channel, user);
    if let (Some(member), Some(row)) = (tx.get::<ChannelMember>(&key), tx.channel(channel)) {
        tx.put(&key, &seen(&member, &row));
    }
}

fn check_root(tx: &Tx<'_>, new: &CreatePost, root_no: PostNo) -> Result<(), Refusal> {
    let root = tx.get::<Post>(&root_no).filter(|root| root.delete_at == 0);
    let can_be_root = |root: &Post| root.root.is_none() && !notice::is_notice(tx, root);
    let Some(root) = root.filter(can_be_root) else {
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

fn check_priority(new: &CreatePost) -> Result<(), Refusal> {
    let Some(priority) = &new.priority else {
        return Ok(());
    };
    if new.root.is_some() {
        return Err(Refusal::new(
            400,
            "api.post.post_priority.priority_post_only_allowed_for_root_post.request_error",
            "Only root posts may have a priority.",
        ));
    }
    if !priority.is_valid() {
        return Err(Refusal::new(
            400,
            "api.post.post_priority.urgent_persistent_notification_post.request_error",
            "Only urgent posts may have persistent notifications.",
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
