use serde::{Deserialize, Serialize};

use crate::boundary::policy::{Direction, Revision};
use crate::boundary::texts::{Json, Text, no_texts, texts};
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq, Id, PostNo, UserNo};
use crate::wire::json::Document;

/// What has to happen at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DueKind {
    /// A connection may send again.
    Send(ConnectionNo),
    /// A channel that a peer refused may be sent to it again.
    Link(ConnectionNo, ChannelNo),
    /// Held inbound items of a connection are asked again.
    Held(ConnectionNo),
    /// A job goes on.
    Job(u64),
    /// Old results of commands are dropped.
    Requests,
}

/// A due row. Key: (time_ms, number).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// What is due.
    pub kind: DueKind,
}

/// Work over more rows than a step may touch; timer steps go on with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Job {
    /// Deletes the replies of a deleted root. Position: the last (ordered_at, post) done.
    DeleteReplies {
        /// The root.
        root: PostNo,
        /// `delete_at` of the root.
        delete_at: i64,
        /// Where it stands.
        position: (i64, u64),
    },
    /// Ends every link of a removed connection, then drops what was kept about its peer.
    EndLinks {
        /// The connection.
        connection: ConnectionNo,
        /// The last channel done.
        position: ChannelNo,
    },
    /// Drops the feed of a channel that nobody follows any more.
    DropFeed {
        /// The channel.
        channel: ChannelNo,
        /// The last entry from before the channel was left.
        to: FeedSeq,
    },
    /// Sends everything of every channel of a connection again, after a restore of the peer.
    Resend {
        /// The connection.
        connection: ConnectionNo,
        /// The last channel done.
        position: ChannelNo,
    },
    /// Has the policies asked again about everything that they held or denied.
    AskAgain {
        /// The connection.
        connection: ConnectionNo,
        /// Key of the last exception done: channel, post number, rest of the object's name.
        position: (ChannelNo, u64, String),
    },
    /// Forgets what the policies denied of a connection's peer, so that they are asked again when
    /// it comes again, and has them asked about what came and waits here.
    AskInboundAgain {
        /// The connection.
        connection: ConnectionNo,
        /// The post of the last verdict looked at.
        position: Option<Id>,
    },
    /// Counts the posts that were there before posts were counted, the newest of a channel first.
    CountPosts {
        /// The first channel that is not done.
        channel: ChannelNo,
    },
    /// Puts every user into the index of the search, and renames the remote users who bear the name
    /// of a connection that is not their workspace's.
    SettleNames {
        /// The last user looked at.
        position: UserNo,
    },
}
texts!(enum Job {
    DeleteReplies { root, delete_at, position },
    EndLinks { connection, position },
    DropFeed { channel, to },
    Resend { connection, position },
    // The rest of a reaction's name: number of the user and emoji.
    AskAgain { connection, position: Text::Own },
    AskInboundAgain { connection, position },
    CountPosts { channel },
    SettleNames { position },
});

/// The result of a command with a client's key. Key: (user, key).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The post that it made.
    pub post: PostNo,
    /// Until when it is remembered, in ms.
    pub until_ms: i64,
}
texts!(struct Request {
    post,
    until_ms,
});

/// When a `Request` goes. Key: (time_ms, user, key).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestExpiry;

/// The verdict of the policies over an object's version, if they did not simply let it pass. Key:
/// (connection, [`Asked`], object's id).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictRow {
    /// `update_at` of the version that was judged, in ms.
    pub update_at: i64,
    /// Whether the post may pass.
    pub allowed: bool,
    /// Other words for it, if a policy gave some.
    pub revised: Option<Revision>,
    /// The reason of a denial.
    pub reason: String,
}
texts!(struct VerdictRow {
    update_at,
    allowed,
    revised,
    reason: Text::Refusal,
});

impl VerdictRow {
    /// Reads a row of an older version. Version 1 had a message as its revision.
    pub(crate) fn of_older_version(version: u8, bytes: &[u8]) -> Option<VerdictRow> {
        if version != 1 {
            return None;
        }
        let (update_at, allowed, revised, reason) = postcard::from_bytes(bytes).ok()?;
        let revised: Option<String> = revised;
        Some(VerdictRow {
            update_at,
            allowed,
            revised: revised.map(Revision::of_message),
            reason,
        })
    }
}

/// What the policies were asked about an object, and on which way it was: a byte in the key of
/// [`VerdictRow`]. An answer to one question is none to another, so that a verdict on a message is
/// never taken for one on the whole post: that is asked anew, and the older row goes with its
/// connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which way.
    pub direction: Direction,
    /// What.
    pub about: About,
}

/// What the policies can be asked about. Numbers are never used again, as keys hold them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The message of a post; see [`Question::Message`](crate::boundary::policy::Question).
    Message = 0,
    /// A whole post.
    Post = 1,
}

impl Asked {
    /// The key's byte.
    #[must_use]
    pub fn byte(self) -> u8 {
        let direction = match self.direction {
            Direction::Inbound => 0,
            Direction::Outbound => 1,
        };
        2 * self.about as u8 + direction
    }

    /// The direction that a key's byte tells.
    #[must_use]
    pub fn direction(byte: u8) -> Direction {
        if byte.is_multiple_of(2) {
            Direction::Inbound
        } else {
            Direction::Outbound
        }
    }
}

/// What kind of item waits. Kinds are added at the end, as rows name them by their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeldKind {
    /// A post.
    Post,
    /// A reaction.
    Reaction,
    /// An acknowledgement of a post.
    Acknowledgement,
}

/// An inbound item that waits for a policy, or for the post to which it belongs. Key: (connection,
/// number).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The channel.
    pub channel: ChannelNo,
    /// The item as it came, JSON.
    pub item: Vec<u8>,
    /// The message's mention transforms, JSON; empty = none.
    pub mention_transforms: Vec<u8>,
    /// Why, for the admin.
    pub reason: String,
    /// How often the policies were asked.
    pub attempts: u32,
    /// What the item is.
    pub kind: HeldKind,
}

/// When everything was sent to a connection's peer again, or is going to be: the latest time, in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastResend(pub i64);

/// Where an item waits, by what it is about: an index of [`Held`]. Key: (connection, digest of what it
/// is about).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldItem {
    /// Number of its row.
    pub number: u64,
    /// Its version: its latest time, in ms.
    pub at_ms: i64,
    /// Its version: whether it removes something, which is later within a millisecond.
    pub is_removal: bool,
}

/// How much waits for a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldSum {
    /// Items.
    pub items: u32,
    /// Their bytes, with the mentions of their messages.
    pub bytes: u64,
}

impl Held {
    /// Reads a row of an older version. Version 1 had no `kind`, which stands last: an item that
    /// named an emoji was a reaction.
    pub(crate) fn of_older_version(version: u8, bytes: &[u8]) -> Option<Held> {
        if version != 1 {
            return None;
        }
        let post = [0];
        let mut held: Held = postcard::from_bytes(&[bytes, &post].concat()).ok()?;
        let document = Document::parse(&held.item);
        if document.is_ok_and(|item| item.root().get("emoji_name").is_some()) {
            held.kind = HeldKind::Reaction;
        }
        Some(held)
    }
}
texts!(struct Held {
    channel,
    item: Json::Message,
    mention_transforms: Json::Mentions,
    reason: Text::Refusal,
    attempts,
    kind,
});

/// Bytes that could not be carried out. Key: a rising number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineEntry {
    /// Who sent them.
    pub connection: ConnectionNo,
    /// When, in ms.
    pub at_ms: i64,
    /// Why.
    pub reason: String,
    /// The bytes, secret values blanked.
    pub bytes: Vec<u8>,
}
texts!(struct QuarantineEntry {
    connection,
    at_ms,
    reason: Text::Refusal,
    bytes: Json::Message,
});

no_texts!(
    Due,
    RequestExpiry,
    DueKind,
    HeldKind,
    HeldItem,
    HeldSum,
    LastResend
);
