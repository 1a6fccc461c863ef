use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Text, no_texts, texts};
use crate::rows::id::{FeedSeq, Id, TeamNo, UserNo, WorkspaceNo};

/// Who may see a channel of a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelKind {
    /// `O`: everybody of the team.
    Public,
    /// `P`: its members.
    Private,
}

impl ChannelKind {
    /// The API's letter.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            ChannelKind::Public => "O",
            ChannelKind::Private => "P",
        }
    }

    /// The kind with an API letter.
    #[must_use]
    pub fn from_letter(letter: &str) -> Option<ChannelKind> {
        match letter {
            "O" => Some(ChannelKind::Public),
            "P" => Some(ChannelKind::Private),
            _ => None,
        }
    }
}

/// The place of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// In a team.
    Team {
        /// The team.
        team: TeamNo,
        /// Who may see it.
        kind: ChannelKind,
    },
    /// Between two users, its permanent members.
    Direct,
    /// Among a few users, its permanent members.
    Group,
}

impl Place {
    /// The team, if it is in one.
    #[must_use]
    pub fn team(self) -> Option<TeamNo> {
        match self {
            Place::Team { team, .. } => Some(team),
            Place::Direct | Place::Group => None,
        }
    }

    /// The team in which everybody may see it, if any.
    #[must_use]
    pub fn public_in(self) -> Option<TeamNo> {
        match self {
            Place::Team {
                team,
                kind: ChannelKind::Public,
            } => Some(team),
            _ => None,
        }
    }

    /// The letter in the API and the protocol.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Place::Team { kind, .. } => kind.letter(),
            Place::Direct => "D",
            Place::Group => "G",
        }
    }
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Id, the same in every workspace.
    pub id: Id,
    /// Where the channel was created; never changes.
    pub origin: WorkspaceNo,
    /// Its place.
    pub place: Place,
    /// When it was created, in ms.
    pub create_at: i64,
    /// Last change, in ms.
    pub update_at: i64,
    /// When it was archived, in ms; 0 = live.
    pub delete_at: i64,
    /// Display name.
    pub display_name: String,
    /// URL name, unique in the team; outside teams unique in the workspace.
    pub name: String,
    /// Header.
    pub header: String,
    /// Purpose.
    pub purpose: String,
    /// Its creator.
    pub creator: Option<UserNo>,
    /// Creation time of the newest post, in ms.
    pub last_post_at: i64,
    /// Creation time of the newest root post, in ms.
    pub last_root_post_at: i64,
    /// Highest `update_at` ever given to something in this channel, in ms; the next one is higher.
    pub last_update_at: i64,
    /// Posts that are not system messages.
    pub msg_count: u64,
    /// Root posts that are not system messages.
    pub root_msg_count: u64,
    /// Whether ordinary members may only read.
    pub read_only: bool,
    /// Whether it is shared with a connection.
    pub shared: bool,
}
texts!(struct Channel {
    id,
    origin,
    place,
    create_at,
    update_at,
    delete_at,
    display_name: Text::Words,
    name: Text::ChannelName,
    header: Text::Words,
    purpose: Text::Words,
    creator,
    last_post_at,
    last_root_post_at,
    last_update_at,
    msg_count,
    root_msg_count,
    read_only,
    shared,
});

impl Channel {
    /// Reads a row of an older version. In version 1 every channel was in a team: the fields of the place
    /// followed without its variant.
    pub(crate) fn of_older_version(version: u8, bytes: &[u8]) -> Option<Channel> {
        if version != 1 {
            return None;
        }
        let (_, rest) = postcard::take_from_bytes::<(Id, WorkspaceNo)>(bytes).ok()?;
        let head = bytes.get(..bytes.len().checked_sub(rest.len())?)?;
        let in_a_team = [0];
        postcard::from_bytes(&[head, &in_a_team, rest].concat()).ok()
    }
}

/// A member of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelMember {
    /// When the user joined, in ms.
    pub create_at: i64,
    /// Last change, in ms.
    pub update_at: i64,
    /// Whether the user is a channel admin.
    pub is_admin: bool,
    /// When the user last viewed the channel, in ms.
    pub last_viewed_at: i64,
    /// The channel's `msg_count` when the user last viewed it.
    pub msg_count: u64,
    /// The channel's `root_msg_count` when the user last viewed it.
    pub root_msg_count: u64,
    /// The channel's `last_update_at` when the user last viewed it, in ms: everything that arrived until then
    /// was seen, wherever it is ordered.
    pub seen_at: i64,
}
texts!(struct ChannelMember {
    create_at,
    update_at,
    is_admin,
    last_viewed_at,
    msg_count,
    root_msg_count,
    seen_at,
});

impl ChannelMember {
    /// Reads a row of an older version. Version 1 did not record what was seen; no data that depends on it
    /// was stored then.
    pub(crate) fn of_older_version(version: u8, bytes: &[u8]) -> Option<ChannelMember> {
        let seen_at = postcard::to_allocvec(&0i64).ok()?;
        (version == 1).then(|| postcard::from_bytes(&[bytes, &seen_at].concat()).ok())?
    }
}

/// A channel that a user is a member of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserChannel;

/// What a user's home last stated about the user's membership of a channel that is or was shared. Only the
/// home's statements are ordered and passed on: adding or removing a user of another workspace here changes
/// nothing elsewhere, and lasts until the home's next statement. Memberships from before the channel was
/// shared have no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedMembership {
    /// Whether the user joined, and did not leave.
    pub is_member: bool,
    /// When, by the home's clock, in ms.
    pub changed_at: i64,
    /// Its position in the channel's feed; 0 = none.
    pub feed_seq: FeedSeq,
}

impl SharedMembership {
    /// Its version: the highest one is in force everywhere. If two changes share a millisecond, leaving is the
    /// later one.
    #[must_use]
    pub fn version(&self) -> (i64, bool) {
        (self.changed_at, !self.is_member)
    }
}

/// How many direct and group channels a local user has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectCount {
    /// Opened by users of this workspace.
    pub opened_here: u32,
    /// Opened by users of other workspaces.
    pub received: u32,
}

no_texts!(
    UserChannel,
    DirectCount,
    ChannelKind,
    Place,
    SharedMembership
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::tx::Record;

    #[test]
    fn a_member_of_the_first_version_has_seen_nothing_of_what_is_kept_since() {
        let first = postcard::to_allocvec(&(5i64, 6i64, true, 7i64, 8u64, 9u64)).unwrap();
        let member = ChannelMember::from_bytes(&[vec![1], first].concat()).unwrap();
        assert_eq!((member.create_at, member.last_viewed_at), (5, 7));
        assert_eq!((member.root_msg_count, member.seen_at), (9, 0));
        assert_eq!(ChannelMember::from_bytes(&member.to_bytes()), Some(member));
    }

    #[test]
    fn a_row_of_the_first_version_is_in_its_team() {
        let id = Id::from_uuid_bytes([7; 16]);
        let texts = ("Lounge", "lounge", "header", "purpose");
        let times = (Some(UserNo(4)), 11i64, 12i64, 13i64);
        let first = (id, WorkspaceNo(2), TeamNo(300), 1u8, 5i64, 6i64, 0i64);
        let old = postcard::to_allocvec(&(first, texts, times, 8u64, 9u64, true, false)).unwrap();
        let channel = Channel::from_bytes(&[vec![1], old].concat()).unwrap();
        let (team, kind) = (TeamNo(300), ChannelKind::Private);
        assert_eq!(channel.place, Place::Team { team, kind });
        assert_eq!((channel.id, channel.origin), (id, WorkspaceNo(2)));
        assert_eq!(
            (channel.name.as_str(), channel.root_msg_count),
            ("lounge", 9)
        );
        assert!(channel.read_only && !channel.shared);
        assert_eq!(Channel::from_bytes(&channel.to_bytes()), Some(channel));
        assert_eq!(Channel::from_bytes(&[9, 0, 0]), None);
    }
}
