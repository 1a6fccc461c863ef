use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Json, Text, no_texts, texts};
use crate::model::Priority;
use crate::rows::id::{ChannelNo, FeedSeq, FileNo, Id, PostNo, UserNo, WorkspaceNo};

/// A post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Id, the same in every workspace.
    pub id: Id,
    /// Where the post was written; never changes.
    pub origin: WorkspaceNo,
    /// Author.
    pub user: UserNo,
    /// Channel.
    pub channel: ChannelNo,
    /// Root of the thread; `None` = the post is a root.
    pub root: Option<PostNo>,
    /// When it was written, by the origin's clock, in ms.
    pub create_at: i64,
    /// Last change here, in ms.
    pub update_at: i64,
    /// Last change of the text, in ms; 0 = never.
    pub edit_at: i64,
    /// When it was deleted, in ms; 0 = live. Final.
    pub delete_at: i64,
    /// `update_at` of the stored version, by the origin's clock; `update_at` for an own post.
    pub origin_update_at: i64,
    /// Whether it is pinned to the channel.
    pub is_pinned: bool,
    /// The text; empty once deleted.
    pub message: String,
    /// Type: empty, `system_…` or `custom_…`.
    pub kind: String,
    /// Properties, JSON text of an object; empty = `{}`.
    pub props: String,
    /// Hashtags, separated by spaces.
    pub hashtags: String,
    /// Replies that are not deleted.
    pub reply_count: u32,
    /// Creation time of the newest reply, in ms.
    pub last_reply_at: i64,
    /// Live reactions.
    pub reaction_count: u32,
    /// The client's key of its creation; empty for posts of peers.
    pub pending_post_id: String,
    /// Its position in its channel's feed; 0 = none.
    pub feed_seq: FeedSeq,
    /// Whether a local moderator deleted it although it belongs to a peer.
    pub moderated: bool,
    /// Its position in the order of its channel and thread, in ms: when it was written, or when it arrived
    /// here if its origin's clock gives a later time. Never changes.
    pub ordered_at: i64,
    /// What it asks of its readers; `None` for replies, deleted posts, and whenever nothing was stated.
    pub priority: Option<Priority>,
    /// Its files, in the author's order; empty once deleted.
    pub files: Vec<FileNo>,
}
texts!(struct Post {
    id,
    origin,
    user,
    channel,
    root,
    create_at,
    update_at,
    edit_at,
    delete_at,
    origin_update_at,
    is_pinned,
    message: Text::Words,
    kind: Text::Token,
    props: Json::Any,
    hashtags: Text::Words,
    reply_count,
    last_reply_at,
    reaction_count,
    pending_post_id: Text::Words,
    feed_seq,
    moderated,
    ordered_at,
    priority,
    files,
});

impl Post {
    /// Reads a row of an older version. In version 1 posts were ordered by `create_at`, and stored ones still
    /// are; up to version 2 they had no priority, up to version 3 no files.
    pub(crate) fn of_older_version(version: u8, bytes: &[u8]) -> Option<Post> {
        type Head = (Id, WorkspaceNo, UserNo, ChannelNo, Option<PostNo>, i64);
        let (no_priority, no_files) = (None::<Priority>, Vec::<FileNo>::new());
        let missing = match version {
            1 => {
                let ((.., create_at), _) = postcard::take_from_bytes::<Head>(bytes).ok()?;
                postcard::to_allocvec(&(create_at, no_priority, no_files)).ok()?
            }
            2 => postcard::to_allocvec(&(no_priority, no_files)).ok()?,
            3 => postcard::to_allocvec(&no_files).ok()?,
            _ => return None,
        };
        postcard::from_bytes(&[bytes, &missing].concat()).ok()
    }
}

/// A post of a channel, by its position in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelPost {
    /// Whether the post is live; `None` = see the post's row, as version 1 did not store it here.
    pub is_live: Option<bool>,
}

impl ChannelPost {
    /// Reads a row of an older version.
    pub(crate) fn of_older_version(version: u8, _: &[u8]) -> Option<ChannelPost> {
        (version == 1).then_some(ChannelPost { is_live: None })
    }
}

/// Totals of a part of a channel's order: from its key, a place, to the next block. Key: (channel,
/// `ordered_at`, post).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostBlock {
    /// Posts, including deleted ones.
    pub rows: u32,
    /// Posts that are live.
    pub live: u32,
}

/// A reply of a thread, by its position in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadPost;

/// A pinned post of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedPost;

/// A reaction. Removed ones are kept, so that a late duplicate of the addition does not restore them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// Where it was made: the origin of its user. Never changes.
    pub origin: WorkspaceNo,
    /// When it was made, in ms.
    pub create_at: i64,
    /// Last change, by the origin's clock, in ms.
    pub update_at: i64,
    /// When it was removed, in ms; 0 = live.
    pub delete_at: i64,
    /// Its position in its channel's feed; 0 = none.
    pub feed_seq: FeedSeq,
}
texts!(struct Reaction {
    origin,
    create_at,
    update_at,
    delete_at,
    feed_seq,
});

/// A mention of a user in a channel. Key: (channel, user or everybody, time, post); the time is the post's
/// `update_at` of the change that added the mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// Author of the post.
    pub author: UserNo,
    /// Whether the post is a root.
    pub is_root: bool,
}

impl Mention {
    /// Used in keys for everybody who reads the channel; no user has this number.
    pub const EVERYBODY: UserNo = UserNo(0);
}

/// A mention of a user, or of everybody, in a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostMention {
    /// When it was added, as in the key of the [`Mention`], in ms.
    pub at_ms: i64,
}

/// A version of a post's text before an edit. Key: (post, number); higher numbers are later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierVersion {
    /// The text.
    pub message: String,
    /// When it was written, in ms.
    pub written_at: i64,
}
texts!(struct EarlierVersion {
    message: Text::Words,
    written_at,
});

/// Live reactions to a post with one emoji; no row = 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmojiCount(pub u32);

/// Different emoji among the live reactions to a post. Posts whose reactions have not been counted yet have
/// no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostEmoji(pub u32);

/// Removed reactions to a post that are kept for one share: a user of this workspace, or all users of a peer;
/// no row = 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedReactions(pub u32);

/// A user's own statement that they have seen a post. Withdrawn ones are kept, so that a late duplicate does
/// not restore them. Key: (post, user).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Where it was made: the origin of its user. Never changes.
    pub origin: WorkspaceNo,
    /// When it was last made, in ms; 0 = withdrawn.
    pub acknowledged_at: i64,
    /// Last change, by the origin's clock, in ms.
    pub update_at: i64,
    /// Its position in its channel's feed; 0 = none.
    pub feed_seq: FeedSeq,
}

/// Users of one workspace who have ever acknowledged a post: its rows, including withdrawn ones. No row = 0.
/// Key: (post, workspace).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcknowledgementCount(pub u32);

no_texts!(
    ChannelPost,
    PostBlock,
    Mention,
    PostMention,
    ThreadPost,
    PinnedPost,
    EmojiCount,
    PostEmoji,
    RemovedReactions,
    Acknowledgement,
    AcknowledgementCount
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PriorityLevel;
    use crate::rows::fixture;
    use crate::rows::tx::Record;

    #[test]
    fn a_row_of_the_first_version_stands_where_its_time_of_creation_puts_it() {
        let post = fixture::post(3, 70_000, Some(2));
        let mut first = without(&post, &(post.ordered_at, post.priority, &post.files));
        first[0] = 1;
        assert_eq!(Post::from_bytes(&first), Some(post.clone()));
        assert_eq!(post.ordered_at, 70_000);
        first[0] = 9;
        assert_eq!(Post::from_bytes(&first), None);
    }

    #[test]
    fn a_row_of_the_second_version_has_no_priority() {
        let post = fixture::post(3, 70_000, None);
        let mut second = without(&post, &(post.priority, &post.files));
        second[0] = 2;
        assert_eq!(Post::from_bytes(&second), Some(post.clone()));
        let priority = Some(Priority {
            level: PriorityLevel::Urgent,
            requested_ack: true,
            persistent_notifications: false,
        });
        let urgent = Post { priority, ..post };
        assert_eq!(Post::from_bytes(&urgent.to_bytes()), Some(urgent));
    }

    #[test]
    fn a_row_of_the_third_version_has_no_files() {
        let post = fixture::post(3, 70_000, None);
        let mut third = without(&post, &post.files);
        third[0] = 3;
        assert_eq!(Post::from_bytes(&third), Some(post.clone()));
        let files = vec![FileNo(4), FileNo(2)];
        let post = Post { files, ..post };
        assert_eq!(Post::from_bytes(&post.to_bytes()), Some(post));
    }

    /// A row without the fields at its end.
    fn without(post: &Post, end: &impl Serialize) -> Vec<u8> {
        let end = postcard::to_allocvec(end).unwrap();
        let today = post.to_bytes();
        today.strip_suffix(end.as_slice()).unwrap().to_vec()
    }
}
