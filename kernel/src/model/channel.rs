use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Text, no_texts, texts};
use crate::rows::id::{Id, TeamNo, UserNo, WorkspaceNo};

/// Who may see a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelKind {
    /// `O`: everybody of the team.
    Public,
    /// `P`: its members.
    Private,
}

impl ChannelKind {
    /// The letter of the API.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            ChannelKind::Public => "O",
            ChannelKind::Private => "P",
        }
    }

    /// The kind of the API's letter.
    #[must_use]
    pub fn from_letter(letter: &str) -> Option<ChannelKind> {
        match letter {
            "O" => Some(ChannelKind::Public),
            "P" => Some(ChannelKind::Private),
            _ => None,
        }
    }
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Id, the same in every workspace.
    pub id: Id,
    /// Where the channel was made; never changes.
    pub origin: WorkspaceNo,
    /// Team.
    pub team: TeamNo,
    /// Who may see it.
    pub kind: ChannelKind,
    /// When it was made, in ms.
    pub create_at: i64,
    /// Last change, in ms.
    pub update_at: i64,
    /// When it was archived, in ms; 0 = live.
    pub delete_at: i64,
    /// Name shown.
    pub display_name: String,
    /// URL name, unique in the team.
    pub name: String,
    /// Header.
    pub header: String,
    /// Purpose.
    pub purpose: String,
    /// Who made it.
    pub creator: Option<UserNo>,
    /// Creation time of the newest post, in ms.
    pub last_post_at: i64,
    /// Creation time of the newest root post, in ms.
    pub last_root_post_at: i64,
    /// Highest `update_at` that was ever given to something of this channel, in ms; the next is
    /// higher.
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
    team,
    kind,
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

/// A member of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelMember {
    /// When the user joined, in ms.
    pub create_at: i64,
    /// Last change, in ms.
    pub update_at: i64,
    /// Whether the user administers the channel.
    pub is_admin: bool,
    /// When the user last looked at the channel, in ms.
    pub last_viewed_at: i64,
    /// The channel's `msg_count` when the user last looked.
    pub msg_count: u64,
    /// The channel's `root_msg_count` when the user last looked.
    pub root_msg_count: u64,
}
texts!(struct ChannelMember {
    create_at,
    update_at,
    is_admin,
    last_viewed_at,
    msg_count,
    root_msg_count,
});

/// A channel of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserChannel;

no_texts!(UserChannel, ChannelKind);
