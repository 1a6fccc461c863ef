use serde::{Deserialize, Serialize};

use super::{PeerKind, Section};
use crate::boundary::texts::{Text, no_texts, texts};
use crate::model::limits::ITEM_ATTEMPTS_MAX;
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq, Id, PostNo, UserNo, WorkspaceNo};
use crate::rows::key::{KeyPart, RowKey};

/// The subject of a part of the feed: 0 = people, the highest number = statuses, otherwise the channel with
/// that number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scope(pub u64);

impl Scope {
    /// Profiles.
    pub const PEOPLE: Scope = Scope(0);
    /// Statuses.
    pub const STATUSES: Scope = Scope(u64::MAX);

    /// A channel's part of the feed.
    #[must_use]
    pub fn channel(channel: ChannelNo) -> Scope {
        Scope(channel.0)
    }
}

impl KeyPart for Scope {
    fn put(&self, out: &mut RowKey) {
        self.0.put(out);
    }
    fn take(bytes: &mut &[u8]) -> Option<Scope> {
        u64::take(bytes).map(Scope)
    }
    fn shown(&self) -> String {
        self.0.shown()
    }
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FeedObject {
    /// A post.
    Post(PostNo),
    /// A reaction.
    Reaction(PostNo, UserNo, String),
    /// A user's profile.
    User(UserNo),
    /// An acknowledgement of a post.
    Acknowledgement(PostNo, UserNo),
    /// A user's membership of the channel in whose feed it is.
    Membership(UserNo),
    /// A user's status.
    Status(UserNo),
}
texts!(enum FeedObject {
    Post(post),
    Reaction(post, user, emoji: Text::Token),
    User(user),
    Acknowledgement(post, user),
    Membership(user),
    Status(user),
});

impl FeedObject {
    /// The section of a message that carries it.
    #[must_use]
    pub fn section(&self) -> Section {
        match self {
            FeedObject::Post(_) => Section::Posts,
            FeedObject::Reaction(..) => Section::Reactions,
            FeedObject::User(_) => Section::Users,
            FeedObject::Acknowledgement(..) => Section::Acknowledgements,
            FeedObject::Membership(_) => Section::Memberships,
            FeedObject::Status(_) => Section::Statuses,
        }
    }

    /// Whether peers of a kind support such objects; unsupported objects are not sent.
    #[must_use]
    pub fn is_known_to(&self, kind: PeerKind) -> bool {
        match self {
            FeedObject::Post(_) | FeedObject::Reaction(..) | FeedObject::User(_) => true,
            FeedObject::Acknowledgement(..) | FeedObject::Membership(_) | FeedObject::Status(_) => {
                kind != PeerKind::Mattermost2021
            }
        }
    }

    /// Its post, if it is one.
    #[must_use]
    pub fn as_post(&self) -> Option<PostNo> {
        match self {
            FeedObject::Post(post) => Some(*post),
            FeedObject::Reaction(..)
            | FeedObject::User(_)
            | FeedObject::Acknowledgement(..)
            | FeedObject::Membership(_)
            | FeedObject::Status(_) => None,
        }
    }

    /// The post to which it belongs, without which a peer cannot accept it.
    #[must_use]
    pub fn base_post(&self) -> Option<PostNo> {
        match self {
            FeedObject::Reaction(post, _, _) | FeedObject::Acknowledgement(post, _) => Some(*post),
            FeedObject::Post(_)
            | FeedObject::User(_)
            | FeedObject::Membership(_)
            | FeedObject::Status(_) => None,
        }
    }

    /// The user that it names, without whose profile a peer cannot accept it. Users named by a post are in
    /// its row; whether a membership needs its user depends on whether the user joined or left.
    #[must_use]
    pub fn user(&self) -> Option<UserNo> {
        match self {
            FeedObject::Reaction(_, user, _)
            | FeedObject::User(user)
            | FeedObject::Acknowledgement(_, user)
            | FeedObject::Status(user) => Some(*user),
            FeedObject::Post(_) | FeedObject::Membership(_) => None,
        }
    }

    /// Its identity in the key of its [`Exception`]: the post that it is or belongs to, and the rest of its
    /// name.
    #[must_use]
    pub fn exception_key(&self) -> (u64, String) {
        match self {
            FeedObject::Post(post) => (post.0, String::new()),
            FeedObject::Reaction(post, user, emoji) => (post.0, format!("{:016x}/{emoji}", user.0)),
            // An emoji name is never empty, so this is not the key of a reaction.
            FeedObject::Acknowledgement(post, user) => (post.0, format!("{:016x}/", user.0)),
            FeedObject::Status(user) => (0, format!("{:016x}", user.0)),
            FeedObject::User(user) => (0, format!("{:016x}/profile", user.0)),
            FeedObject::Membership(user) => (0, format!("{:016x}/member", user.0)),
        }
    }
}

/// An entry of the feed. A newer entry of an object replaces its older one, whose sequence is stored in the
/// object's row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedEntry {
    /// What changed.
    pub object: FeedObject,
    /// Where the change came from; it is not sent back there.
    pub origin: WorkspaceNo,
}
texts!(struct FeedEntry {
    object,
    origin,
});

/// A follower of a part of the feed: a connection and the workspace behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Follower {
    /// The connection.
    pub connection: ConnectionNo,
    /// The workspace to which it leads.
    pub workspace: WorkspaceNo,
}

/// A shared channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedChannel {
    /// Whether the channel was shared here first.
    pub home: bool,
    /// Whether peers' ordinary members may only read.
    pub read_only: bool,
    /// Who shared it.
    pub creator: Option<UserNo>,
    /// When, in ms.
    pub create_at: i64,
    /// The connection it came over, if any.
    pub connection: Option<ConnectionNo>,
}
texts!(struct SharedChannel {
    home,
    read_only,
    creator,
    create_at,
    connection,
});

/// State of the sharing of a channel with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkState {
    /// The invitation must be sent, or its answer is awaited.
    Inviting,
    /// Both sides share.
    Active,
    /// Ended; the row is kept so that a repeated invitation is recognised.
    Ended,
    /// Offered by us; an administrator of the peer has to accept it. It is offered again from time to time, and at
    /// once when the peer says that this has been done.
    Awaiting,
}

/// Why a link ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkEnd {
    /// An admin here ended it. If the peer had offered the channel, it does not come back until an admin here
    /// allows it.
    Here,
    /// The peer no longer shares the channel.
    Peer,
    /// The peer refused our invitation, with this text.
    Refused(String),
    /// The connection was removed.
    Removed,
}
texts!(
    enum LinkEnd {
        Here,
        Peer,
        Refused(words: Text::Refusal),
        Removed,
    }
);

/// A peer's position in a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Everything up to here is delivered or has an exception row.
    pub seq: FeedSeq,
    /// Position in the posts from before the link: (`ordered_at`, post number) of the last one processed;
    /// `None` = they are not sent.
    pub history: Option<(i64, u64)>,
}

/// Which posts from before a link its peer gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum History {
    /// All or none, as the workspace is configured when the peer accepts.
    #[default]
    Configured,
    /// None.
    Nothing,
    /// Those from this time on, in ms.
    Since(i64),
    /// All.
    Everything,
}

/// A link (the reference's `SharedChannelRemote`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Id, for the REST API.
    pub id: Id,
    /// State of the sharing.
    pub state: LinkState,
    /// Whether we invited the peer (else it invited us).
    pub invited_by_us: bool,
    /// When it was created, in ms.
    pub create_at: i64,
    /// Last change, in ms.
    pub update_at: i64,
    /// When it ended, in ms; 0 = live.
    pub delete_at: i64,
    /// The inviting user or, for a received invitation, the connection's creator.
    pub creator: UserNo,
    /// The peer's position.
    pub cursor: Cursor,
    /// Initial position of the cursor.
    pub feed_from: FeedSeq,
    /// Number of the last post from before the link; older ones are unknown to the peer unless a
    /// `SentOldPost` or the back-fill says otherwise.
    pub posts_before: PostNo,
    /// Number of items that the peer refused permanently or that ran out of attempts.
    pub dead_letters: u64,
    /// When something was last delivered, in ms.
    pub last_sync_at: i64,
    /// Incremented whenever it is uncertain what the peer holds (a new invitation, a restore); rows that
    /// record what the peer holds are valid only with the current number.
    pub epoch: u32,
    /// Number of consecutive messages of this channel that the peer refused as a whole.
    pub failures: u32,
    /// Earliest time of the next message of this channel, in ms.
    pub retry_at: i64,
    /// Maximum number of objects in a round, halved after a refusal of the whole; 0 = the default.
    pub items_max: u32,
    /// Why it ended; `None` while it is live, or if this was not recorded yet.
    pub end: Option<LinkEnd>,
    /// The last user of the channel whose membership was offered to the peer, while not all are; they are
    /// offered in the order of their numbers. `None` = all of them were, or none is offered.
    pub members: Option<UserNo>,
    /// Which posts from before the link the peer gets.
    pub history: History,
}
texts!(struct Link {
    id,
    state,
    invited_by_us,
    create_at,
    update_at,
    delete_at,
    creator,
    cursor,
    feed_from,
    posts_before,
    dead_letters,
    last_sync_at,
    epoch,
    failures,
    retry_at,
    items_max,
    end,
    members,
    history,
});

impl Link {
    /// Reads a row of an older version. Version 3 did not have the last field, `history`, version 2 did not have
    /// `members` either, and version 1 did not have `end`.
    pub(crate) fn of_older_version(version: u8, bytes: &[u8]) -> Option<Link> {
        let missing: &[u8] = match version {
            1 => &[0, 0, 0],
            2 => &[0, 0],
            3 => &[0],
            _ => return None,
        };
        postcard::from_bytes(&[bytes, missing].concat()).ok()
    }

    /// Whether it brought a channel of the peer and an admin here ended that.
    #[must_use]
    pub fn is_declined(&self) -> bool {
        !self.invited_by_us && self.end == Some(LinkEnd::Here)
    }

    /// Whether the peer has not answered our invitation yet, or has to ask its administrators.
    #[must_use]
    pub fn is_unanswered(&self) -> bool {
        matches!(self.state, LinkState::Inviting | LinkState::Awaiting)
    }

    /// The text of the peer's refusal of our invitation, if it refused.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        match &self.end {
            Some(LinkEnd::Refused(words)) => Some(words),
            _ => None,
        }
    }
}

/// Version of a user that a connection holds, as acknowledged in a message of the channel, or of none (0). The
/// channel is part of the key: a real server adds users to a channel only if their profile comes in a message of that
/// channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentUser {
    /// The user's `update_at` by its origin's clock, in ms.
    pub update_at: i64,
    /// The link's epoch; without a channel, the [`Offer`](super::Offer)'s.
    pub epoch: u32,
}
/// The state of a reaction sent to a toggle peer. Key: (connection, post, user, emoji).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentReaction {
    /// Whether the peer shows it now.
    pub live: bool,
}

/// A post from before a link that was sent to the peer nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentOldPost {
    /// The link's epoch.
    pub epoch: u32,
}

/// Work that may be pending for a connection. A row exists whenever there is such work; a row without work
/// may also exist and is deleted when that is noticed.
/// Key: (connection, kind of work, channel; 0 for people and statuses).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending;

impl Pending {
    /// The invitation of a channel.
    pub const INVITE: u8 = 0;
    /// Profiles.
    pub const PEOPLE: u8 = 1;
    /// Entries of a channel's feed.
    pub const FEED: u8 = 2;
    /// Posts of a channel from before the link.
    pub const HISTORY: u8 = 3;
    /// Memberships of a channel from before the link, or from before they were shared.
    pub const MEMBERS: u8 = 4;
    /// People who are offered to the peer.
    pub const DIRECTORY: u8 = 5;
    /// Statuses.
    pub const STATUSES: u8 = 6;
    /// That a channel's sharing was accepted, or has ended.
    pub const SHARING_STATE: u8 = 7;
}

/// Why the cursor passed an item, and what happens to it next. The sender keeps the state of an item, as it
/// can derive its content at any time: the receiver reports denials and refusals to the sender, and holds
/// only what it has accepted but cannot judge yet as [`Held`](super::Held).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExceptionState {
    /// A policy failed, or what it belongs to (root, post) is held; tried again at `retry_at`.
    Held,
    /// A policy denied it, or what it belongs to; nothing happens until the object or the policies change.
    Denied,
    /// The peer refused it this many times; sent again at `retry_at`.
    Refused(u32),
    /// No further attempts.
    Dead,
    /// It was on its way without a file that has arrived at the peer meanwhile: once it is delivered, it goes
    /// again.
    Outdated,
}
impl ExceptionState {
    /// The state after a refusal by the peer.
    #[must_use]
    pub fn refused_again(earlier: Option<&ExceptionState>) -> ExceptionState {
        let times = match earlier {
            Some(ExceptionState::Refused(times)) => times.saturating_add(1),
            _ => 1,
        };
        if times >= ITEM_ATTEMPTS_MAX {
            ExceptionState::Dead
        } else {
            ExceptionState::Refused(times)
        }
    }

    /// The state of parts that belong to an item in this state.
    #[must_use]
    pub fn of_part(&self) -> ExceptionState {
        match self {
            ExceptionState::Denied => ExceptionState::Denied,
            ExceptionState::Dead => ExceptionState::Dead,
            ExceptionState::Held | ExceptionState::Refused(_) | ExceptionState::Outdated => {
                ExceptionState::Held
            }
        }
    }

    /// Whether the item will be tried again.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(
            self,
            ExceptionState::Held | ExceptionState::Refused(_) | ExceptionState::Outdated
        )
    }

    /// Whether the item is asked about again when the policies change.
    #[must_use]
    pub fn is_of_policies(&self) -> bool {
        matches!(self, ExceptionState::Held | ExceptionState::Denied)
    }
}
texts!(
    enum ExceptionState {
        Held,
        Denied,
        Refused(times),
        Dead,
        Outdated,
    }
);

/// An item that the cursor passed although the peer does not have it, or a profile that the policies hold back.
/// Key: (connection, channel, post number, rest of the object's name or empty).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// The object.
    pub object: FeedObject,
    /// The feed sequence at which it was passed.
    pub seq: FeedSeq,
    /// Why.
    pub state: ExceptionState,
    /// The reason in words, for the admin.
    pub reason: String,
    /// When it is tried again, in ms; 0 = not scheduled.
    pub retry_at: i64,
    /// The link's epoch; exceptions of earlier epochs are not counted.
    pub epoch: u32,
}
texts!(struct Exception {
    object,
    seq,
    state,
    reason: Text::Refusal,
    retry_at,
    epoch,
});

/// The time at which an exception is tried again; exists for each exception with a `retry_at`.
/// Key: ((connection, time in ms), channel, post number, rest of the object's name or empty).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionTime;

no_texts!(
    SentUser,
    SentReaction,
    SentOldPost,
    Pending,
    ExceptionTime,
    Scope,
    LinkState,
    Cursor,
    History
);
