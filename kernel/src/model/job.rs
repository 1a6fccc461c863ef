use serde::{Deserialize, Serialize};

use crate::boundary::policy::{Direction, Revision};
use crate::boundary::texts::{Json, Text, no_texts, texts};
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq, FileNo, Id, PostNo, TeamNo, UserNo};
use crate::wire::json::Document;

/// Work scheduled for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DueKind {
    /// A connection may send again.
    Send(ConnectionNo),
    /// A channel that a peer refused may be sent to it again.
    Link(ConnectionNo, ChannelNo),
    /// Held inbound items of a connection are asked about again.
    Held(ConnectionNo),
    /// A job continues.
    Job(u64),
    /// Old results of commands are dropped.
    Requests,
    /// A connection may have been silent for so long that members are told.
    Interruption(ConnectionNo),
    /// Files that no post took are dropped.
    UnpostedFiles,
}

/// A due row. Key: (time_ms, number).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// What is due.
    pub kind: DueKind,
}

/// Work over more rows than a step may touch; continued by timer steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Job {
    /// Deletes the replies of a deleted root. Position: the last (ordered_at, post) done.
    DeleteReplies {
        /// The root.
        root: PostNo,
        /// `delete_at` of the root.
        delete_at: i64,
        /// Its position.
        position: (i64, u64),
    },
    /// Ends every link of a removed connection, then deletes the data kept about its peer.
    EndLinks {
        /// The connection.
        connection: ConnectionNo,
        /// The last channel done.
        position: ChannelNo,
    },
    /// Drops the feed of a channel without followers.
    DropFeed {
        /// The channel.
        channel: ChannelNo,
        /// The last entry from before the last follower left.
        to: FeedSeq,
    },
    /// Sends everything in every channel of a connection again, after a restore of the peer.
    Resend {
        /// The connection.
        connection: ConnectionNo,
        /// The last channel done.
        position: ChannelNo,
    },
    /// Asks the policies again about everything that they held or denied.
    AskAgain {
        /// The connection.
        connection: ConnectionNo,
        /// Key of the last exception done: channel, post number, rest of the object's name.
        position: (ChannelNo, u64, String),
    },
    /// Deletes the denials of items of a connection's peer, so that the policies are asked again when such
    /// items arrive again, and asks about held inbound items.
    AskInboundAgain {
        /// The connection.
        connection: ConnectionNo,
        /// The post of the last verdict processed.
        position: Option<Id>,
    },
    /// Counts the posts from before posts were counted, the newest of a channel first.
    CountPosts {
        /// The first channel that is not finished.
        channel: ChannelNo,
    },
    /// Adds every user to the search index, and renames remote users whose names contain the name of a
    /// connection that is not their workspace's.
    SettleNames {
        /// The last user processed.
        position: UserNo,
    },
    /// Offers the memberships of every shared channel to its peers: they are shared from now on.
    OfferMembers {
        /// The connection.
        connection: ConnectionNo,
        /// The last channel done.
        position: ChannelNo,
    },
    /// Tells the members of every channel that is shared over a connection that its peer is silent, or is
    /// heard again.
    TellInterruption {
        /// The connection.
        connection: ConnectionNo,
        /// Whether it is over.
        over: bool,
        /// The last channel done.
        position: ChannelNo,
    },
    /// Offers everybody of this workspace to a peer again that had not taken all, or none.
    OfferAgain {
        /// The connection.
        connection: ConnectionNo,
    },
    /// Records the active system admins from before they were recorded.
    FindAdmins {
        /// The last user processed.
        position: UserNo,
    },
    /// Asks the policies again about the files that they hold back from peers.
    AskFilesAgain {
        /// The connection.
        connection: ConnectionNo,
        /// The last file processed.
        position: FileNo,
    },
    /// Tries again what waited in a channel for profiles that the peer holds now.
    TryWaiting {
        /// The connection.
        connection: ConnectionNo,
        /// The channel.
        channel: ChannelNo,
        /// The users of the profiles, in order.
        users: Vec<UserNo>,
        /// Key of the last exception done: post number, rest of the object's name.
        position: (u64, String),
    },
    /// Offers people to a peer again whom the policies held back.
    OfferWithheld {
        /// The connection.
        connection: ConnectionNo,
    },
    /// Asks the policies again about the components of a post on which one failed.
    AskOfPost {
        /// The post.
        post: PostNo,
    },
    /// Asks the policies about the components of all posts in shared channels.
    AskOfPosts {
        /// The channel.
        channel: ChannelNo,
        /// The last (ordered_at, post) done.
        position: (i64, u64),
        /// Whether it ends with this channel; otherwise the next one follows.
        only: bool,
    },
    /// Tries again what waits anywhere for profiles that the policies held back and that have changed.
    TryPeople {
        /// The connection.
        connection: ConnectionNo,
        /// The users of the profiles who are not done.
        users: Vec<UserNo>,
        /// The last channel done for the last of them.
        position: ChannelNo,
    },
    /// Tries changes of profiles in other channels that the policies held back in one that is not shared any more.
    ProfilesElsewhere {
        /// The connection.
        connection: ConnectionNo,
        /// The channel.
        channel: ChannelNo,
        /// The rest of the name of the last exception done.
        position: String,
    },
    /// Ends the memberships of a former member of a team in its channels.
    LeaveChannels {
        /// The team.
        team: TeamNo,
        /// Who left it.
        user: UserNo,
        /// The last channel done.
        position: ChannelNo,
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
    OfferMembers { connection, position },
    TellInterruption { connection, over, position },
    OfferAgain { connection },
    FindAdmins { position },
    AskFilesAgain { connection, position },
    TryWaiting { connection, channel, users, position: Text::Own },
    OfferWithheld { connection },
    AskOfPost { post },
    AskOfPosts { channel, position, only },
    TryPeople { connection, users, position },
    // Number of the user.
    ProfilesElsewhere { connection, channel, position: Text::Own },
    LeaveChannels { team, user, position },
});

/// The result of a command with a client's key. Key: (user, key).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The post that it created.
    pub post: PostNo,
    /// When it expires, in ms.
    pub until_ms: i64,
}
texts!(struct Request {
    post,
    until_ms,
});

/// Expiry of a `Request`. Key: (time_ms, user, key).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestExpiry;

/// The policies' verdict on a version of an object, unless it was a plain permission. Key: (connection,
/// [`Asked`], object's id).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictRow {
    /// `update_at` of the version that was judged, in ms.
    pub update_at: i64,
    /// Whether the post may pass.
    pub allowed: bool,
    /// Its replacement text, if a policy gave one.
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
    /// Reads a row of an older version. In version 1 the revision was a message.
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

/// What the policies were asked about an object, and in which direction: a byte in the key of [`VerdictRow`].
/// The answer to one question does not apply to another, so a verdict on a message is never used for the
/// whole post: the policies are asked again, and the older row is deleted with its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Direction.
    pub direction: Direction,
    /// Subject.
    pub about: About,
}

/// What the policies can be asked about. Numbers are never reused, as keys contain them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The message of a post; see [`Question::Message`](crate::boundary::policy::Question).
    Message = 0,
    /// A whole post.
    Post = 1,
}

impl Asked {
    /// The byte in the key.
    #[must_use]
    pub fn byte(self) -> u8 {
        let direction = match self.direction {
            Direction::Inbound => 0,
            Direction::Outbound => 1,
        };
        2 * self.about as u8 + direction
    }

    /// The direction encoded in a key's byte.
    #[must_use]
    pub fn direction(byte: u8) -> Direction {
        if byte.is_multiple_of(2) {
            Direction::Inbound
        } else {
            Direction::Outbound
        }
    }
}

/// The kind of a held item. Kinds are added at the end, as rows identify them by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeldKind {
    /// A post.
    Post,
    /// A reaction.
    Reaction,
    /// An acknowledgement of a post.
    Acknowledgement,
    /// A profile in a channel.
    Profile,
    /// A membership.
    Membership,
}

/// An inbound item held for a policy, for the post to which it belongs, or for the profile of the person who wrote or
/// did it. Key: (connection, number).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The channel.
    pub channel: ChannelNo,
    /// The item as received, JSON.
    pub item: Vec<u8>,
    /// The message's mention transforms, JSON; empty = none.
    pub mention_transforms: Vec<u8>,
    /// Why, for the admin.
    pub reason: String,
    /// How often the policies were asked about it.
    pub attempts: u32,
    /// The kind of the item.
    pub kind: HeldKind,
}

/// The latest time at which everything was, or will be, sent to a connection's peer again, in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastResend(pub i64);

/// What is known of a connection's silence. Key: connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interruption {
    /// From when on silence counts, in ms.
    pub since_ms: i64,
    /// When it is looked at next, in ms.
    pub at_ms: i64,
    /// Whether members were told that the peer is silent, and not yet that this is over.
    pub told: bool,
}

/// The row of a held item by its identity: an index of [`Held`]. Key: (connection, digest of the identity).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldItem {
    /// Number of its row.
    pub number: u64,
    /// Its version: its latest time, in ms.
    pub at_ms: i64,
    /// Its version: whether it is a removal, which is later within a millisecond.
    pub is_removal: bool,
}

/// Total of the items held for a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldSum {
    /// Number of items.
    pub items: u32,
    /// Their bytes, including the mentions of their messages.
    pub bytes: u64,
}

impl Held {
    /// Reads a row of an older version. Version 1 did not have the last field, `kind`: an item that named an
    /// emoji was a reaction.
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

/// Bytes that could not be carried out. Key: an ascending number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineEntry {
    /// Who sent them.
    pub connection: ConnectionNo,
    /// When, in ms.
    pub at_ms: i64,
    /// Why.
    pub reason: String,
    /// The bytes, with secret values blanked.
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
    LastResend,
    Interruption
);
