use serde::{Deserialize, Serialize};

use super::FeedObject;
use crate::boundary::input::Incarnation;
use crate::boundary::texts::{Text, no_texts, texts};
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq, Id, PostNo, UserNo, WorkspaceNo};

/// A peer workspace: the origin of objects received from it. It outlives its connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerWorkspace {
    /// Its current connection; `None` once that is removed.
    pub connection: Option<ConnectionNo>,
    /// The incarnation it last reported, if it is a Causeway.
    pub incarnation: Option<Incarnation>,
    /// Channels here that it has offered and that nobody here has let go.
    pub channels: u32,
    /// Users here whose home it is.
    pub users: u32,
}
texts!(struct PeerWorkspace {
    connection,
    incarnation,
    channels,
    users,
});

impl PeerWorkspace {
    /// Reads a row of an older version. Version 1 did not have the last two fields, `channels` and `users`;
    /// existing ones are not counted.
    pub(crate) fn of_older_version(version: u8, bytes: &[u8]) -> Option<PeerWorkspace> {
        let none = [0, 0];
        let today = [bytes, &none].concat();
        (version == 1).then(|| postcard::from_bytes(&today).ok())?
    }
}

/// State of the handshake. The secrets of each state are in the host's vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConnectionState {
    /// We invited; nobody has confirmed yet.
    Pending,
    /// We accepted and are about to confirm, or do not know the outcome of our confirmation.
    Confirming,
    /// Both sides hold each other's tokens.
    Confirmed,
    /// Removed by an admin here.
    Removed,
}

/// The kind of server of a peer; decides the format of what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerKind {
    /// A Mattermost of 2021: no token rotation, 12 posts per batch, reactions by `delete_at`.
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
    /// Display name.
    pub display_name: String,
    /// The peer's site URL; empty until confirmed.
    pub site_url: String,
    /// Team for channels received by invitation; empty = the first team.
    pub default_team_id: String,
    /// Local user who created or accepted it.
    pub creator: UserNo,
    /// When it was created, in ms; an invitation is valid for 48 h from then.
    pub create_at: i64,
    /// When it was removed, in ms; 0 = live.
    pub delete_at: i64,
    /// Last successful ping of ours, in ms; 0 = never.
    pub last_ping_at: i64,
    /// State of the handshake.
    pub state: ConnectionState,
    /// The kind of server of the peer.
    pub kind: PeerKind,
    /// Last attempt number given to a send.
    pub attempt: u64,
    /// Failed attempts in a row.
    pub failures: u32,
    /// Earliest time of the next send, in ms.
    pub retry_at: i64,
    /// Position in the feed of people up to which everything due has been sent to the peer.
    pub people_cursor: FeedSeq,
    /// Reactions sent to a toggle peer whose outcome is unknown.
    pub unknown_reactions: u64,
    /// Reactions up to this position may have been sent by an earlier incarnation of this data directory;
    /// they are not sent to a toggle peer.
    pub unknown_reactions_to: FeedSeq,
    /// The channel served last, or [`Connection::TURN_OF_STATUSES`]; the next one in turn comes after it.
    pub turn: ChannelNo,
    /// Why nothing is sent although the peer is confirmed, if that is the case.
    pub suspended: Option<Suspended>,
    /// Team named by the peer in the handshake, or empty. A server of 2021 creates the channels that it is
    /// invited to in the team named by the invitation; newer servers do not name one.
    pub remote_team_id: String,
    /// Whether channels that the peer offers wait until an administrator here accepts them. Otherwise they are
    /// taken at once, as in the reference.
    pub asks_first: bool,
    /// Whether a channel of the peer, a Causeway, stays open here when the peer no longer shares it. Otherwise it
    /// is archived.
    pub keeps_removed: bool,
}
texts!(struct Connection {
    remote_id,
    workspace,
    name: Text::Words,
    display_name: Text::Words,
    site_url: Text::Words,
    default_team_id: Text::Id,
    creator,
    create_at,
    delete_at,
    last_ping_at,
    state,
    kind,
    attempt,
    failures,
    retry_at,
    people_cursor,
    unknown_reactions,
    unknown_reactions_to,
    turn,
    suspended,
    remote_team_id: Text::Id,
    asks_first,
    keeps_removed,
});

impl Connection {
    /// The turn of statuses, after that of the last channel: so neither busy channels nor busy people keep the
    /// others waiting.
    pub const TURN_OF_STATUSES: ChannelNo = ChannelNo(u64::MAX);

    /// Reads a row of an older version. Version 2 did not have the last two fields, and version 1 did not have
    /// `remote_team_id` either.
    pub(crate) fn of_older_version(version: u8, bytes: &[u8]) -> Option<Connection> {
        let missing: &[u8] = match version {
            1 => &[0, 0, 0],
            2 => &[0, 0],
            _ => return None,
        };
        postcard::from_bytes(&[bytes, missing].concat()).ok()
    }
}

/// A connection's position in offering the workspace's people to its peer. The versions that the peer holds are
/// [`SentUser`](super::SentUser) rows of no channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Users up to this number were offered; later ones are new.
    pub users_to: UserNo,
    /// Position in the feed of people: changes up to here were offered.
    pub seq: FeedSeq,
    /// Incremented when the peer may have lost what it was sent.
    pub epoch: u32,
    /// How often the peer did not take all users of a message.
    pub incomplete: u32,
    /// When people are offered again after a refusal, in ms; a job does it.
    pub retry_at: i64,
}

/// Why a connection does not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Suspended {
    /// This data directory was restored; nothing is sent until the peer has seen the new incarnation in a
    /// ping.
    Restored,
}

/// A channel that is or was shared over a connection; like the link itself, the row is kept when the link
/// ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionLink;

/// A part of a round; each is one message. Sections are added at the end, as rows identify them by position;
/// the sending side decides the order of their messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Section {
    /// The invitation of a channel.
    Invite,
    /// Profiles.
    Users,
    /// Posts.
    Posts,
    /// Reactions.
    Reactions,
    /// Acknowledgements of posts.
    Acknowledgements,
    /// Memberships of a channel.
    Memberships,
    /// Profiles of the workspace's people, whatever channels they are in.
    Directory,
    /// Statuses of users.
    Statuses,
    /// That a channel's sharing was accepted, or has ended.
    SharingState,
}

/// Where the objects of a round come from, and the position after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoundSource {
    /// The invitation of a channel.
    Invite,
    /// Profiles of the feed of people. A message of profiles names a channel, to which the peer adds them; so
    /// such a round belongs to a channel.
    People {
        /// The last entry of the round.
        to: FeedSeq,
    },
    /// Due exceptions of the channel.
    Exceptions,
    /// Entries of the channel's feed.
    Feed {
        /// The last entry of the round.
        to: FeedSeq,
    },
    /// Posts of the channel from before the link, oldest first.
    History {
        /// (`ordered_at`, post number) of the last post of the round.
        to: (i64, u64),
    },
    /// Memberships of the channel, in the order of users.
    Members {
        /// The last user of the round.
        to: UserNo,
    },
    /// People offered to the peer. A round of the workspace.
    Directory {
        /// The [`Offer`]'s positions after the round.
        users_to: UserNo,
        /// See [`Offer::seq`].
        seq: FeedSeq,
        /// The [`Offer`]'s epoch.
        epoch: u32,
    },
    /// Entries of the feed of statuses. A message of statuses names a channel, though it may contain those
    /// of members of others; so such a round belongs to a channel.
    Statuses {
        /// The last entry of the round.
        to: FeedSeq,
    },
    /// That a channel's sharing was accepted, or has ended.
    SharingState {
        /// Which of them is told.
        is_shared: bool,
    },
}

impl RoundSource {
    /// Whether the messages of such a round contain objects, and not only something about a channel.
    #[must_use]
    pub fn has_objects(self) -> bool {
        !matches!(self, RoundSource::Invite | RoundSource::SharingState { .. })
    }
}

/// The round in flight of a connection: stored before the first byte leaves, so that after a crash it is
/// known what may have arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// The attempt in flight, if any.
    pub attempt: Option<u64>,
    /// The channel; 0 = the round belongs to the workspace.
    pub channel: ChannelNo,
    /// The link's epoch, 0 for the workspace; a round of an earlier epoch is dropped.
    pub epoch: u32,
    /// Where the objects come from.
    pub source: RoundSource,
    /// The objects of the round with their feed sequences (0 = not from the feed), in order.
    pub objects: Vec<(FeedSeq, FeedObject)>,
    /// The section in flight, or the next one.
    pub section: Section,
    /// The last user whose profile was sent in this round; users are sent once each, in increasing order.
    pub users_after: UserNo,
    /// The items of the frame in flight; needed to interpret the answer.
    pub items: Vec<RoundItem>,
}
texts!(struct Round {
    attempt,
    channel,
    epoch,
    source,
    objects,
    section,
    users_after,
    items,
});

impl Round {
    /// Channel and epoch of a round of the workspace.
    pub const WORKSPACE: (ChannelNo, u32) = (ChannelNo(0), 0);

    /// Whether its objects do not belong to a channel.
    #[must_use]
    pub fn is_of_workspace(&self) -> bool {
        (self.channel, self.epoch) == Round::WORKSPACE
    }
}

/// One object of a frame in flight, with the version that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoundItem {
    /// A user and its `update_at`, by the origin's clock.
    User(UserNo, i64),
    /// A post and its feed sequence (0 if it came as context).
    Post(PostNo, FeedSeq),
    /// A reaction, its feed sequence and whether it was live.
    Reaction(PostNo, UserNo, String, FeedSeq, bool),
    /// An acknowledgement and its feed sequence.
    Acknowledgement(PostNo, UserNo, FeedSeq),
    /// A membership and its feed sequence.
    Membership(UserNo, FeedSeq),
    /// A status and its feed sequence (0 if it came with the user's profile).
    Status(UserNo, FeedSeq),
    /// The files of a post that is in the frame: they follow once the peer has taken it.
    Files(PostNo),
}

impl RoundItem {
    /// Its feed sequence and its object, unless it is a profile or a post.
    #[must_use]
    pub fn into_part(self) -> Option<(FeedSeq, FeedObject)> {
        match self {
            RoundItem::User(..) | RoundItem::Post(..) | RoundItem::Files(_) => None,
            RoundItem::Reaction(post, user, emoji, seq, _) => {
                Some((seq, FeedObject::Reaction(post, user, emoji)))
            }
            RoundItem::Acknowledgement(post, user, seq) => {
                Some((seq, FeedObject::Acknowledgement(post, user)))
            }
            RoundItem::Membership(user, seq) => Some((seq, FeedObject::Membership(user))),
            RoundItem::Status(user, seq) => Some((seq, FeedObject::Status(user))),
        }
    }
}
texts!(enum RoundItem {
    User(user, update_at),
    Post(post, seq),
    Reaction(post, user, emoji: Text::Token, seq, live),
    Acknowledgement(post, user, seq),
    Membership(user, seq),
    Status(user, seq),
    Files(post),
});

no_texts!(
    ConnectionLink,
    ConnectionState,
    PeerKind,
    Suspended,
    Section,
    RoundSource,
    Offer
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::tx::Record;

    #[test]
    fn rows_of_older_versions_are_read_and_stored_anew() {
        let row = Connection {
            remote_id: Id::from_uuid_bytes([7; 16]),
            workspace: WorkspaceNo(1),
            name: "globex".into(),
            display_name: "Globex".into(),
            site_url: "https://globex.example".into(),
            default_team_id: String::new(),
            creator: UserNo(1),
            create_at: 5,
            delete_at: 0,
            last_ping_at: 6,
            state: ConnectionState::Confirmed,
            kind: PeerKind::Mattermost11,
            attempt: 9,
            failures: 0,
            retry_at: 0,
            people_cursor: FeedSeq(3),
            unknown_reactions: 0,
            unknown_reactions_to: FeedSeq(0),
            turn: ChannelNo(0),
            suspended: None,
            remote_team_id: String::new(),
            asks_first: false,
            keeps_removed: false,
        };
        let today = row.to_bytes();
        // What is missing is encoded as one zero byte each.
        for (version, missing) in [(2, 2), (1, 3)] {
            let mut older = today.clone();
            older[0] = version;
            older.truncate(today.len() - missing);
            let read = Connection::from_bytes(&older).unwrap();
            assert_eq!(read, row);
            assert_eq!(read.to_bytes(), today);
        }
        let mut unknown = today;
        unknown[0] = 9;
        assert_eq!(Connection::from_bytes(&unknown), None);
    }
}
