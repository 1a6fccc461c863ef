//! The database of such a server: it survives the process, and a backup is a copy of
//! it.

use std::collections::{BTreeMap, BTreeSet};

use causeway_kernel::model::Priority;
use causeway_kernel::rows::id::Id;

/// A user.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// Name here.
    pub username: String,
    /// Nickname.
    pub nickname: String,
    /// Custom status (`props.customStatus`); empty = none.
    pub custom_status: String,
    /// Creation time, in ms.
    pub create_at: i64,
    /// Last change, in ms.
    pub update_at: i64,
    /// Whether it came over the connection.
    pub is_remote: bool,
    /// The name at home (`props.RemoteUsername`).
    pub remote_username: String,
    /// The version received last. Real servers do not store it; it is for the oracle.
    pub told_version: i64,
}

/// A position of a scan: time and id.
pub type Cursor = (i64, String);

/// The sharing of a channel (`SharedChannelRemotes`).
#[derive(Clone, Debug)]
pub struct Share {
    /// Whether the peer has accepted, or we have accepted the peer's offer.
    pub is_confirmed: bool,
    /// Cursor of the create scan (the 11 line only).
    pub created: Cursor,
    /// Cursor of the update scan.
    pub updated: Cursor,
    /// Newest membership event that was sent, in ms.
    pub members_at: i64,
}

/// A channel.
#[derive(Clone, Debug)]
pub struct ChannelRow {
    /// URL name.
    pub name: String,
    /// Whether it was created here.
    pub is_home: bool,
    /// The sharing with the peer, while there is one.
    pub share: Option<Share>,
    /// Members.
    pub members: BTreeSet<Id>,
    /// Joins (true) and leaves by user, with their times.
    pub events: BTreeMap<Id, (i64, bool)>,
}

/// A post.
#[derive(Clone, Debug)]
pub struct PostRow {
    /// Author.
    pub user: Id,
    /// Channel.
    pub channel: Id,
    /// Root of the thread.
    pub root: Option<Id>,
    /// Text.
    pub message: String,
    /// Type.
    pub kind: String,
    /// When it was written, in ms.
    pub create_at: i64,
    /// Last change, in ms, by the clock of the server that made it.
    pub update_at: i64,
    /// Last edit, in ms.
    pub edit_at: i64,
    /// Deletion, in ms; 0 = live.
    pub delete_at: i64,
    /// Whether it is pinned.
    pub is_pinned: bool,
    /// Its priority.
    pub priority: Option<Priority>,
    /// Its files, in order.
    pub files: Vec<Id>,
    /// Whether it came over the connection.
    pub is_remote: bool,
}

/// A reaction.
#[derive(Clone, Debug)]
pub struct ReactionRow {
    /// When it was given, in ms.
    pub create_at: i64,
    /// Last change, in ms.
    pub update_at: i64,
    /// Removal, in ms; 0 = live.
    pub delete_at: i64,
    /// Whether it has the stamp of the connection.
    pub is_stamped: bool,
}

/// Post, user, emoji; an acknowledgement is stored in the same way, see
/// [`ACKNOWLEDGED`](crate::frames::ACKNOWLEDGED).
pub type ReactionKey = (Id, Id, String);

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Digest of its bytes.
    pub digest: String,
}

/// The whole database.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Users.
    pub users: BTreeMap<Id, UserRow>,
    /// Channels.
    pub channels: BTreeMap<Id, ChannelRow>,
    /// Posts.
    pub posts: BTreeMap<Id, PostRow>,
    /// Reactions.
    pub reactions: BTreeMap<ReactionKey, ReactionRow>,
    /// Files that are here.
    pub files: BTreeMap<Id, FileRow>,
    /// Files that the peer announced, by upload (`UploadSessions`).
    pub uploads: BTreeMap<Id, Id>,
    /// Own files that the peer has taken (`SharedChannelAttachments`).
    pub sent_files: BTreeSet<Id>,
    /// Digests of the users' pictures.
    pub pictures: BTreeMap<Id, String>,
    /// `LastSyncAt` by user and channel (`SharedChannelUsers`).
    pub synced: BTreeMap<(Id, Id), i64>,
    /// Last successful ping, by simulation time; `None` = never.
    pub pinged_at: Option<i64>,
}

impl Rows {
    /// The user with a name.
    #[must_use]
    pub fn named(&self, username: &str) -> Option<Id> {
        let mut found = self.users.iter();
        found
            .find(|(_, user)| user.username == username)
            .map(|(id, _)| *id)
    }

    /// The sharing of a channel, if it involves the peer.
    #[must_use]
    pub fn share(&self, channel: &Id) -> Option<&Share> {
        self.channels.get(channel)?.share.as_ref()
    }

    /// The posts of a channel, in the order of their last change.
    #[must_use]
    pub fn by_change(&self, channel: &Id) -> Vec<(Id, &PostRow)> {
        let posts = self.posts.iter();
        let mut found: Vec<_> = posts
            .filter(|(_, post)| post.channel == *channel)
            .map(|(id, post)| (*id, post))
            .collect();
        found.sort_by_key(|(id, post)| (post.update_at, *id));
        found
    }
}
