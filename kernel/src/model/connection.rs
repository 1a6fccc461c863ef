use serde::{Deserialize, Serialize};

use super::record;
use crate::id::{ChannelNo, ConnectionNo, FeedSeq, Id, UserNo, WorkspaceNo};
use crate::input::Incarnation;

/// A peer workspace: the origin of what came from it. It outlives its connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerWorkspace {
    /// The connection that stands for it now; `None` once that was removed.
    pub connection: Option<ConnectionNo>,
    /// Incarnation it last told, if it is a Causeway.
    pub incarnation: Option<Incarnation>,
}
record!(PeerWorkspace, PeerWorkspaces, WorkspaceNo);

/// How far the handshake has come. The secrets of each state are in the host's vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConnectionState {
    /// We invited; nobody has confirmed yet.
    Pending,
    /// We accepted and are about to confirm, or do not know how our confirmation fared.
    Confirming,
    /// Both sides hold each other's tokens.
    Confirmed,
    /// Removed by an admin here.
    Removed,
}

/// What kind of server a peer is; decides the shape of what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerKind {
    /// A Mattermost of 2021: no token rotation, 12 posts a batch, reactions by `delete_at`.
    Mattermost2021,
    /// A Mattermost of the 11 line: reactions are a toggle.
    Mattermost11,
    /// Another Causeway.
    Causeway,
}

/// A connection (the reference's `RemoteCluster`), without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// `remote_id`, the same on both sides.
    pub remote_id: Id,
    /// The workspace behind it.
    pub workspace: WorkspaceNo,
    /// Local name, the suffix of remote user names.
    pub name: String,
    /// Name shown.
    pub display_name: String,
    /// The peer's site URL; empty until confirmed.
    pub site_url: String,
    /// Team for channels received by invitation; empty id = the first team.
    pub default_team_id: String,
    /// Local user who created or accepted it.
    pub creator: UserNo,
    /// When it was made, in ms; an invitation lives 48 h from then.
    pub create_at: i64,
    /// When it was removed, in ms; 0 = live.
    pub delete_at: i64,
    /// Last successful ping of ours, in ms; 0 = never.
    pub last_ping_at: i64,
    /// How far the handshake has come.
    pub state: ConnectionState,
    /// What kind of server the peer is.
    pub kind: PeerKind,
    /// Last attempt number given to a send.
    pub attempt: u64,
    /// Failed attempts in a row.
    pub failures: u32,
    /// Not before this time may the next send leave, in ms.
    pub retry_at: i64,
    /// Position in the feed of people up to which the peer has what it should.
    pub people_cursor: FeedSeq,
    /// Reactions sent to a toggle whose outcome is unknown.
    pub unknown_reactions: u64,
    /// Why nothing is sent although the peer is confirmed, if so.
    pub suspended: Option<Suspended>,
}
record!(Connection, Connections, ConnectionNo);

/// Why a connection does not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Suspended {
    /// This data directory was restored: cursors are checked with the peer first.
    Restored,
    /// The peer's data directory was restored: it may lack what our cursors passed.
    PeerRestored,
}

/// A channel of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionLink;
record!(ConnectionLink, ConnectionLinks, (ConnectionNo, ChannelNo));

/// A part of a round; each is one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Section {
    /// The invitation of a channel.
    Invite,
    /// Profiles.
    Users,
    /// Posts.
    Posts,
    /// Reactions.
    Reactions,
}

/// Where a round takes its objects from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoundSource {
    /// The invitation of a channel.
    Invite,
    /// Entries of the channel's feed, `from` exclusive, `to` inclusive.
    Feed {
        /// The cursor.
        from: FeedSeq,
        /// The last entry of the round.
        to: FeedSeq,
    },
    /// Posts of the channel from before the link, oldest first: (create_at, post number) of the
    /// last one done and of the last one of the round.
    History {
        /// The position.
        from: (i64, u64),
        /// The last post of the round.
        to: (i64, u64),
    },
    /// Exceptions of the channel whose time has come, at most this many.
    Exceptions {
        /// At most so many objects.
        count: u32,
    },
    /// Profiles of the feed of people.
    People {
        /// The cursor.
        from: FeedSeq,
        /// The last entry of the round.
        to: FeedSeq,
    },
}

/// The round in flight of a connection: written before the first byte leaves, so that a crash
/// knows what may have arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// The attempt that is out, if one is.
    pub attempt: Option<u64>,
    /// The channel.
    pub channel: ChannelNo,
    /// What the round covers.
    pub source: RoundSource,
    /// The section that is out or comes next.
    pub section: Section,
    /// Digest of the frame that is out.
    pub digest: [u8; 32],
    /// Objects of the frame that is out: numbers of users or posts, in the frame's order; the
    /// answer is understood by them.
    pub items: Vec<RoundItem>,
    /// At most so many objects, halved after a refusal of the whole.
    pub items_max: u32,
}
record!(Round, Rounds, ConnectionNo);

/// One object of a frame that is out, with the version that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoundItem {
    /// A user and its `update_at`.
    User(UserNo, i64),
    /// A post and its feed sequence (0 if it came as context).
    Post(crate::id::PostNo, FeedSeq),
    /// A reaction, its feed sequence and whether it was live.
    Reaction(crate::id::PostNo, UserNo, String, FeedSeq, bool),
}
