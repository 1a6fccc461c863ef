//! The tables of a workspace. A table is bytes to bytes in memcmp order; what stands in one is
//! said by the [`Record`](crate::rows::tx::Record) that names it.

use serde::{Deserialize, Serialize};

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// Names a table. The code is part of the journal's digests and is never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum Table { $($(#[$doc])* $name = $code,)* }

        impl Table {
            /// Every table, by rising code.
            pub const ALL: &'static [Table] = &[$(Table::$name,)*];

            /// The code that stands for this table in writes and digests.
            #[must_use]
            pub const fn code(self) -> u8 { self as u8 }

            /// Its place in [`Table::ALL`].
            #[must_use]
            pub const fn place(self) -> usize {
                // Codes begin at one and leave none out.
                self.code() as usize - 1
            }

            /// The table of a code, if there is one.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Table> {
                match code { $($code => Some(Table::$name),)* _ => None }
            }

            /// A stable lower-case name for tools and metrics.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Table::$name => stringify!($name),)* }
            }
        }
    };
}

tables! {
    /// Single rows: the workspace itself and its counters.
    Meta = 1,
    /// 26-character id of an object to its number.
    Ids = 2,
    /// Unique names (user names, e-mail addresses, team, channel and connection names) to numbers.
    Names = 3,
    /// Users, local and remote.
    Users = 4,
    /// Teams.
    Teams = 5,
    /// Members of a team: (team, user).
    TeamMembers = 6,
    /// Teams of a user: (user, team), no value.
    UserTeams = 7,
    /// Channels.
    Channels = 8,
    /// Members of a channel: (channel, user).
    ChannelMembers = 9,
    /// Channels of a user: (user, channel), no value.
    UserChannels = 10,
    /// Posts.
    Posts = 11,
    /// Posts of a channel in the order of creation: (channel, create_at, post), no value.
    ChannelPosts = 12,
    /// Replies of a thread in the order of creation: (root, create_at, post), no value.
    ThreadPosts = 13,
    /// Reactions: (post, user, emoji); removed ones stay as tombstones.
    Reactions = 14,
    /// The change feed: (scope, sequence) to the object that changed.
    Feed = 15,
    /// Peer workspaces: who an object came from.
    PeerWorkspaces = 16,
    /// Connections to peer workspaces.
    Connections = 17,
    /// Shared channels, by channel.
    SharedChannels = 18,
    /// Links of a shared channel to connections: (channel, connection), with the cursor.
    Links = 19,
    /// Channels of a connection: (connection, channel), no value.
    ConnectionLinks = 20,
    /// Versions of users that a connection holds: (connection, user, channel).
    SentUsers = 21,
    /// The round in flight of a connection.
    Rounds = 22,
    /// Items that a cursor passed and that still need care: (connection, channel, object).
    Exceptions = 23,
    /// What a peer whose reactions are a toggle was told: (connection, post, user, emoji).
    SentReactions = 24,
    /// Policy verdicts: (connection, direction, object), with the version judged.
    Verdicts = 25,
    /// Due rows: (time_ms, number) to what has to happen then.
    Due = 26,
    /// Jobs: work over more rows than a step may touch.
    Jobs = 27,
    /// Results of commands by (user, client's key), kept for a while.
    Requests = 28,
    /// Expiry of `Requests`: (time_ms, user, key), no value.
    RequestExpiry = 29,
    /// Inbound items held back by a failing policy: (connection, number).
    Held = 30,
    /// Frames or items that could not be carried out: a bounded list of bytes to inspect.
    Quarantine = 31,
    /// Posts older than a link that its peer was given all the same: (connection, post), no value.
    SentOldPosts = 32,
    /// Pinned posts of a channel: (channel, post), no value.
    PinnedPosts = 33,
    /// What a connection may have to be sent: (connection, kind of work, channel), no value.
    Pending = 34,
    /// When an exception is tried again: (connection, time_ms, channel, object), no value.
    ExceptionTimes = 35,
    /// Behaviours of the kernel that are in force, by number.
    Behaviours = 36,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_begin_at_one_and_leave_none_out() {
        for (at, table) in Table::ALL.iter().enumerate() {
            assert_eq!(usize::from(table.code()), at + 1);
            assert_eq!(table.place(), at);
        }
    }
}
