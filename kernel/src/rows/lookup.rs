//! Look-ups from ids and names to numbers.

use crate::model::{IdRow, NameRow, Place, kind};
use crate::rows::id::{ChannelNo, ConnectionNo, EmojiNo, FileNo, Id, PostNo, TeamNo, UserNo};
use crate::rows::tx::{Read, Tx};

fn by_id(rows: &(impl Read + ?Sized), kind: u8, id: &str) -> Option<u64> {
    rows.get::<IdRow>(&(kind, Id::parse(id)?)).map(|row| row.0)
}

fn by_name(rows: &(impl Read + ?Sized), kind: u8, name: &str) -> Option<u64> {
    rows.get::<NameRow>(&(kind, name.to_string()))
        .map(|row| row.0)
}

/// A user by id.
pub fn user(rows: &(impl Read + ?Sized), id: &str) -> Option<UserNo> {
    by_id(rows, kind::USER, id).map(UserNo)
}

/// A user by user name (lower case).
pub fn username(rows: &(impl Read + ?Sized), name: &str) -> Option<UserNo> {
    by_name(rows, kind::USERNAME, name).map(UserNo)
}

/// A user by e-mail address (lower case).
pub fn email(rows: &(impl Read + ?Sized), email: &str) -> Option<UserNo> {
    by_name(rows, kind::EMAIL, email).map(UserNo)
}

/// A team by id.
pub fn team(rows: &(impl Read + ?Sized), id: &str) -> Option<TeamNo> {
    by_id(rows, kind::TEAM, id).map(TeamNo)
}

/// A team by name.
pub fn team_name(rows: &(impl Read + ?Sized), name: &str) -> Option<TeamNo> {
    by_name(rows, kind::TEAM_NAME, name).map(TeamNo)
}

/// A channel by id.
pub fn channel(rows: &(impl Read + ?Sized), id: &str) -> Option<ChannelNo> {
    by_id(rows, kind::CHANNEL, id).map(ChannelNo)
}

/// The team in the names of channels outside teams; there is none of this number.
const OUTSIDE_TEAMS: TeamNo = TeamNo(0);

/// The key of a channel's name among the unique names.
#[must_use]
pub fn channel_name_key(place: Place, name: &str) -> String {
    team_channel_name_key(place.team().unwrap_or(OUTSIDE_TEAMS), name)
}

/// The key of the name of a team's channel among the unique names.
#[must_use]
pub fn team_channel_name_key(team: TeamNo, name: &str) -> String {
    format!("{:016x}/{name}", team.0)
}

/// The key of a user's search name among the unique names.
#[must_use]
pub fn searched_name(name: &str, user: UserNo) -> String {
    format!("{}\0{:016x}", name.to_ascii_lowercase(), user.0)
}

/// A channel by team and name.
pub fn channel_name(rows: &(impl Read + ?Sized), team: TeamNo, name: &str) -> Option<ChannelNo> {
    by_name(rows, kind::CHANNEL_NAME, &team_channel_name_key(team, name)).map(ChannelNo)
}

/// A direct or group channel by name.
pub fn direct_channel(rows: &(impl Read + ?Sized), name: &str) -> Option<ChannelNo> {
    channel_name(rows, OUTSIDE_TEAMS, name)
}

/// A post by id.
pub fn post(rows: &(impl Read + ?Sized), id: &str) -> Option<PostNo> {
    by_id(rows, kind::POST, id).map(PostNo)
}

/// A file by id.
pub fn file(rows: &(impl Read + ?Sized), id: &str) -> Option<FileNo> {
    by_id(rows, kind::FILE, id).map(FileNo)
}

/// A custom emoji by id.
pub fn emoji(rows: &(impl Read + ?Sized), id: &str) -> Option<EmojiNo> {
    by_id(rows, kind::EMOJI, id).map(EmojiNo)
}

/// A custom emoji by name.
pub fn emoji_name(rows: &(impl Read + ?Sized), name: &str) -> Option<EmojiNo> {
    by_name(rows, kind::EMOJI_NAME, name).map(EmojiNo)
}

/// A connection by `remote_id`.
pub fn connection(rows: &(impl Read + ?Sized), id: &str) -> Option<ConnectionNo> {
    by_id(rows, kind::CONNECTION, id).map(ConnectionNo)
}

/// A live connection by its local name.
pub fn connection_name(rows: &(impl Read + ?Sized), name: &str) -> Option<ConnectionNo> {
    by_name(rows, kind::CONNECTION_NAME, name).map(ConnectionNo)
}

impl Tx<'_> {
    /// Stores an id.
    pub fn bind_id(&mut self, kind: u8, id: Id, number: u64) {
        self.put(&(kind, id), &IdRow(number));
    }

    /// Frees an id.
    pub fn unbind_id(&mut self, kind: u8, id: Id) {
        self.delete::<IdRow>(&(kind, id));
    }

    /// Stores a unique name.
    pub fn bind_name(&mut self, kind: u8, name: &str, number: u64) {
        self.put(&(kind, name.to_string()), &NameRow(number));
    }

    /// Frees a unique name.
    pub fn unbind_name(&mut self, kind: u8, name: &str) {
        self.delete::<NameRow>(&(kind, name.to_string()));
    }
}
