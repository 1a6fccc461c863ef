//! The tables of a workspace. A table maps byte keys to byte values in memcmp order; its rows are a
//! [`Record`]. Everything that covers all tables (masking, display, subjects of rows, deciding what may be
//! lost) is derived from the list here by [`Table::visit`].

use serde::{Deserialize, Serialize};

use crate::boundary::behaviour::InForce;
use crate::boundary::texts::{Class, Text, TextVisitor};
use crate::model::{
    Acknowledgement, AcknowledgementCount, Channel, ChannelFiles, ChannelInvitation, ChannelMember,
    ChannelPost, Connection, ConnectionLink, CustomEmoji, DirectCount, Due, EarlierVersion,
    EmojiCount, Exception, ExceptionTime, FeedEntry, File, FileBytes, FileDebt, FileTime,
    FrameProgress, Held, HeldItem, HeldSum, HiddenComponents, IdRow, Interruption, Job, KeptFrame,
    LastResend, Link, Mention, MetaKey, MetaRow, NameRow, Offer, OwnBot, PeerWorkspace, Pending,
    PersonalValue, Picture, PictureDebt, PictureTime, PictureTransfer, PinnedPost, Post, PostBlock,
    PostEmoji, PostMention, QuarantineEntry, QuarantineShare, Reaction, RemovedReactions, Request,
    RequestExpiry, RolePermissions, Round, Scope, SentFile, SentOldPost, SentPicture, SentReaction,
    SentUser, SharedChannel, SharedMembership, StatusCursor, StatusRow, SystemAdmin, Team,
    TeamMember, TeamRoles, ThreadPost, Transfer, UnpostedCount, UnpostedFile, UnpostedOfPeer,
    Upload, User, UserChannel, UserClass, UserTeam, VerdictRow,
};
use crate::rows::id::{
    ChannelNo, ConnectionNo, EmojiNo, FeedSeq, FileNo, Id, PostNo, TeamNo, UserNo, WorkspaceNo,
};
use crate::rows::record::Record;

/// What data is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A connection's.
    Connection(ConnectionNo),
    /// A channel's.
    Channel(ChannelNo),
    /// A post's.
    Post(PostNo),
    /// A user's.
    User(UserNo),
}

/// A part of a key that names a subject.
trait About {
    fn subject(self) -> Option<Subject>;
}

macro_rules! subjects {
    ($($number:ident $subject:ident,)*) => {$(
        impl About for $number {
            fn subject(self) -> Option<Subject> {
                Some(Subject::$subject(self))
            }
        }
    )*};
}
subjects! { ConnectionNo Connection, ChannelNo Channel, PostNo Post, UserNo User, }

impl About for Scope {
    fn subject(self) -> Option<Subject> {
        let is_of_channel = ![Scope::PEOPLE, Scope::STATUSES].contains(&self);
        is_of_channel.then_some(Subject::Channel(ChannelNo(self.0)))
    }
}

/// How long the rows of a table are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Objects made or decided by people, and their indexes: no failure removes them.
    Kept,
    /// Work, its state, and data that can be made again: rows are deleted when no longer needed.
    Passing,
}

/// An operation for a table's type of rows, whichever that is.
pub trait TableVisitor {
    /// The result.
    type Out;
    /// Carries it out for the rows of [`Record::TABLE`].
    fn rows<R: Record>(self) -> Self::Out;
}

macro_rules! tables {
    ($(
        $(#[$doc:meta])*
        $name:ident = $code:literal:
        ($($part:tt: $key:ty $(as $class:expr)?),*) => $row:ident $(version $version:literal)?,
        $lifetime:ident, about [$($subject:expr),*] $(and its [$($field:ident),*])?;
    )*) => {
        /// Names a table. The code is part of the journal's digests and is never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum Table { $($(#[$doc])* $name = $code,)* }

        impl Table {
            /// Every table, sorted by code.
            pub const ALL: &'static [Table] = &[$(Table::$name,)*];

            /// The code of this table in writes and digests.
            #[must_use]
            pub const fn code(self) -> u8 { self as u8 }

            /// Its index in [`Table::ALL`].
            #[must_use]
            pub const fn place(self) -> usize {
                // Codes begin at one and have no gaps.
                self.code() as usize - 1
            }

            /// The table with a code, if it exists.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Table> {
                match code { $($code => Some(Table::$name),)* _ => None }
            }

            /// A stable name for tools and metrics.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Table::$name => stringify!($name),)* }
            }

            /// How long its rows are needed.
            #[must_use]
            pub const fn lifetime(self) -> Lifetime {
                match self { $(Table::$name => Lifetime::$lifetime,)* }
            }

            /// Calls a visitor with its type of rows.
            pub fn visit<V: TableVisitor>(self, visitor: V) -> V::Out {
                match self { $(Table::$name => visitor.rows::<$row>(),)* }
            }
        }

        $(#[allow(unused_parens, reason = "a key of one part is no tuple")]
        impl Record for $row {
            const TABLE: Table = Table::$name;
            type Key = ($($key),*);

            $(
                const VERSION: u8 = $version;

                fn upgrade(version: u8, bytes: &[u8]) -> Option<$row> {
                    $row::of_older_version(version, bytes)
                }
            )?

            fn key_texts(key: &mut Self::Key, visitor: &mut dyn TextVisitor) {
                let ($($part),*) = key;
                $(tables!(@show visitor $part $($class)?);)*
            }

            fn subjects(key: &Self::Key, row: Option<&$row>) -> Vec<Subject> {
                let ($($part),*) = key;
                $(let _ = $part;)*
                let _ = row;
                let named: &[Option<Subject>] = &[
                    $($subject.subject(),)*
                    $($(row.and_then(|row| row.$field.subject()),)*)?
                ];
                named.iter().copied().flatten().collect()
            }
        })*
    };
    // A text is not `Copy`, so a part without a class cannot be one.
    (@show $visitor:ident $part:ident) => { is_copy($part, $visitor) };
    (@show $visitor:ident $part:ident $class:expr) => { Class::show($class, $part, $visitor) };
}

fn is_copy<T: Copy>(_part: &T, _visitor: &mut dyn TextVisitor) {}

// Each entry contains: the table's name and code; the parts of its key, a text with its class; the type of
// its rows and, if it is not 1, their version (`of_older_version` reads the earlier ones); how long the rows
// are needed; their subjects (empty for rows that only refer to other rows, and for work and counters).
tables! {
    /// Single rows: the workspace itself and its counters.
    Meta = 1: (key: MetaKey) => MetaRow, Kept, about [];
    /// 26-character id of an object to its number.
    Ids = 2: (kind: u8, id: Id) => IdRow, Kept, about [];
    /// Unique names (user names, e-mail addresses, team, channel and connection names) to numbers.
    Names = 3: (kind: u8, name: String as Text::of_unique_name(*kind))
        => NameRow, Passing, about [];
    /// Users, local and remote.
    Users = 4: (user: UserNo) => User, Kept, about [user];
    /// Teams.
    Teams = 5: (team: TeamNo) => Team, Kept, about [];
    /// Members of a team: (team, user).
    TeamMembers = 6: (team: TeamNo, user: UserNo) => TeamMember, Kept, about [];
    /// Teams of a user: (user, team), no value.
    UserTeams = 7: (user: UserNo, team: TeamNo) => UserTeam, Passing, about [user];
    /// Channels.
    Channels = 8: (channel: ChannelNo) => Channel version 2, Kept, about [channel];
    /// Members of a channel: (channel, user).
    ChannelMembers = 9: (channel: ChannelNo, user: UserNo)
        => ChannelMember version 2, Kept, about [channel, user];
    /// Channels of a user: (user, channel), no value.
    UserChannels = 10: (user: UserNo, channel: ChannelNo) => UserChannel, Passing, about [];
    /// Posts.
    Posts = 11: (post: PostNo) => Post version 4, Kept, about [post] and its [channel];
    /// Posts of a channel in order: (channel, ordered_at, post), with whether each is live.
    ChannelPosts = 12: (channel: ChannelNo, ordered_at: i64, post: PostNo)
        => ChannelPost version 2, Kept, about [];
    /// Replies of a thread in order: (root, ordered_at, post), no value.
    ThreadPosts = 13: (root: PostNo, ordered_at: i64, post: PostNo) => ThreadPost, Kept, about [];
    /// Reactions: (post, user, emoji); removed ones are kept as tombstones.
    Reactions = 14: (post: PostNo, user: UserNo, emoji: String as Text::Token)
        => Reaction, Kept, about [post, user];
    /// The change feed: (scope, sequence) to the object that changed.
    Feed = 15: (scope: Scope, seq: FeedSeq) => FeedEntry, Passing, about [scope];
    /// Peer workspaces: the origins of objects.
    PeerWorkspaces = 16: (workspace: WorkspaceNo) => PeerWorkspace version 2, Kept, about [];
    /// Connections to peer workspaces.
    Connections = 17: (connection: ConnectionNo) => Connection version 3, Kept, about [connection];
    /// Shared channels, by channel.
    SharedChannels = 18: (channel: ChannelNo) => SharedChannel, Passing, about [channel];
    /// Links of a shared channel to connections: (channel, connection), with the cursor.
    Links = 19: (channel: ChannelNo, connection: ConnectionNo)
        => Link version 4, Kept, about [channel, connection];
    /// Channels of a connection: (connection, channel), no value.
    ConnectionLinks = 20: (connection: ConnectionNo, channel: ChannelNo)
        => ConnectionLink, Passing, about [connection, channel];
    /// Versions of users held by the peer of a connection: (connection, user, channel).
    SentUsers = 21: (connection: ConnectionNo, user: UserNo, channel: ChannelNo)
        => SentUser, Passing, about [connection, user, channel];
    /// The round in flight of a connection.
    Rounds = 22: (connection: ConnectionNo) => Round, Passing, about [connection];
    /// Items that a cursor passed although the peer does not have them: (connection, channel, object).
    Exceptions = 23: (connection: ConnectionNo, channel: ChannelNo, post: u64, rest: String as Text::Own)
        => Exception, Passing, about [connection, channel];
    /// Reaction states sent to a toggle peer: (connection, post, user, emoji).
    SentReactions = 24: (connection: ConnectionNo, post: PostNo, user: UserNo, emoji: String as Text::Token)
        => SentReaction, Passing, about [connection, post];
    /// Policy verdicts: (connection, question and direction, object), with the version judged.
    Verdicts = 25: (connection: ConnectionNo, asked: u8, post: Id)
        => VerdictRow version 2, Passing, about [connection];
    /// Due rows: (time_ms, number) to the scheduled work.
    Due = 26: (at_ms: i64, number: u64) => Due, Passing, about [];
    /// Jobs: work over more rows than a step may touch.
    Jobs = 27: (number: u64) => Job, Passing, about [];
    /// Results of commands by (user, client's key), kept for a limited time.
    Requests = 28: (user: UserNo, key: String as Text::Words) => Request, Passing, about [user];
    /// Expiry of `Requests`: (time_ms, user, key), no value.
    RequestExpiry = 29: (at_ms: i64, user: UserNo, key: String as Text::Words)
        => RequestExpiry, Passing, about [];
    /// Inbound items held for a policy, or for the post to which they belong: (connection, number).
    Held = 30: (connection: ConnectionNo, number: u64) => Held version 2, Passing, about [connection];
    /// Frames or items that could not be carried out: a bounded list of bytes to inspect.
    Quarantine = 31: (number: u64) => QuarantineEntry, Passing, about [];
    /// Posts from before a link that were sent to its peer nevertheless: (connection, post), no value.
    SentOldPosts = 32: (connection: ConnectionNo, post: PostNo)
        => SentOldPost, Passing, about [connection, post];
    /// Pinned posts of a channel: (channel, post), no value.
    PinnedPosts = 33: (channel: ChannelNo, post: PostNo) => PinnedPost, Passing, about [];
    /// Work that may be pending for a connection: (connection, kind of work, channel), no value.
    Pending = 34: (connection: ConnectionNo, work: u8, channel: ChannelNo)
        => Pending, Passing, about [connection];
    /// When an exception is tried again: (connection, time_ms, channel, object), no value.
    ExceptionTimes = 35: (time: (ConnectionNo, i64), channel: ChannelNo, post: u64, rest: String as Text::Own)
        => ExceptionTime, Passing, about [time.0];
    /// Behaviours of the kernel that are in force, by number.
    Behaviours = 36: (number: u32) => InForce, Passing, about [];
    /// Values that mean nothing to others: (user, kind, name).
    Personal = 37: (user: UserNo, kind: u8, name: String as Text::Words)
        => PersonalValue, Kept, about [user];
    /// Live reactions to a post with an emoji: (post, emoji).
    EmojiCounts = 38: (post: PostNo, emoji: String as Text::Token)
        => EmojiCount, Passing, about [post];
    /// Different emoji of a post.
    PostEmoji = 39: (post: PostNo) => PostEmoji, Passing, about [post];
    /// Removed reactions to a post that are kept for a share: (post, workspace, user); the user is 0 for all
    /// users of a peer.
    RemovedReactions = 40: (post: PostNo, workspace: WorkspaceNo, user: UserNo)
        => RemovedReactions, Passing, about [post];
    /// Acknowledgements: (post, user); withdrawn ones are kept.
    Acknowledgements = 41: (post: PostNo, user: UserNo) => Acknowledgement, Kept, about [post, user];
    /// Users of a workspace who have ever acknowledged a post: (post, workspace).
    AcknowledgementCounts = 42: (post: PostNo, workspace: WorkspaceNo)
        => AcknowledgementCount, Passing, about [post];
    /// Totals of the parts of a channel's order: (channel, ordered_at, post) of the start of a part.
    PostBlocks = 43: (channel: ChannelNo, ordered_at: i64, post: PostNo)
        => PostBlock, Passing, about [];
    /// Mentions in a channel: (channel, user, time, post); the user is 0 for everybody.
    Mentions = 44: (channel: ChannelNo, user: UserNo, at_ms: i64, post: PostNo)
        => Mention, Passing, about [];
    /// Mentions in a post: (post, user); the user is 0 for everybody.
    PostMentions = 45: (post: PostNo, user: UserNo) => PostMention, Passing, about [];
    /// The frame of a connection that is carried out in several steps.
    KeptFrames = 46: (connection: ConnectionNo) => KeptFrame, Passing, about [connection];
    /// Progress of that frame.
    FrameProgress = 47: (connection: ConnectionNo)
        => FrameProgress, Passing, about [connection];
    /// The quarantine entries of a connection.
    QuarantineShares = 48: (connection: ConnectionNo)
        => QuarantineShare, Passing, about [connection];
    /// Held inbound items by identity: (connection, digest of the identity).
    HeldItems = 49: (connection: ConnectionNo, about: Id) => HeldItem, Passing, about [connection];
    /// Totals of the items held for a connection.
    HeldSums = 50: (connection: ConnectionNo) => HeldSum, Passing, about [connection];
    /// When everything was last sent to a peer again.
    LastResends = 51: (connection: ConnectionNo) => LastResend, Passing, about [connection];
    /// Memberships as the users' homes state them: (channel, user); ended ones are kept.
    SharedMemberships = 52: (channel: ChannelNo, user: UserNo)
        => SharedMembership, Kept, about [channel, user];
    /// Silence of a connection's peer.
    Interruptions = 53: (connection: ConnectionNo) => Interruption, Passing, about [connection];
    /// Positions in offering the workspace's people: (connection).
    Offers = 54: (connection: ConnectionNo) => Offer, Passing, about [connection];
    /// Files, without their bytes.
    Files = 55: (file: FileNo) => File, Kept, about [] and its [user, channel];
    /// How many files and pictures have the same bytes: digest of the bytes.
    FileBytes = 56: (digest: String as Text::Words) => FileBytes, Kept, about [];
    /// Files that no post has taken yet, by the time at which they are dropped: (time_ms, file), no value.
    UnpostedFiles = 57: (at_ms: i64, file: FileNo) => UnpostedFile, Passing, about [];
    /// How many such files a user has.
    UnpostedCounts = 58: (user: UserNo) => UnpostedCount, Passing, about [user];
    /// How many files the posts of a channel have.
    ChannelFiles = 59: (channel: ChannelNo) => ChannelFiles, Passing, about [channel];
    /// Statuses of users that are shared between workspaces.
    Statuses = 60: (user: UserNo) => StatusRow, Passing, about [user];
    /// Positions of connections in the feed of statuses.
    StatusCursors = 61: (connection: ConnectionNo) => StatusCursor, Passing, about [connection];
    /// Direct and group channels of a local user, counted.
    DirectCounts = 62: (user: UserNo) => DirectCount, Passing, about [user];
    /// Files that a peer announced and whose bytes have not all arrived: (connection, upload).
    Uploads = 63: (connection: ConnectionNo, upload: Id) => Upload, Passing, about [connection];
    /// How many files of a peer no post has taken yet.
    UnpostedOfPeers = 64: (workspace: WorkspaceNo) => UnpostedOfPeer, Passing, about [];
    /// Files that the peer of a connection is still to get: (connection, file).
    FileDebts = 65: (connection: ConnectionNo, file: FileNo)
        => FileDebt version 2, Passing, about [connection];
    /// When they are sent: (connection, time_ms, file), no value.
    FileTimes = 66: (connection: ConnectionNo, at_ms: i64, file: FileNo)
        => FileTime, Passing, about [connection];
    /// Files that the peer of a connection holds: (connection, file).
    SentFiles = 67: (connection: ConnectionNo, file: FileNo) => SentFile, Passing, about [connection];
    /// The file in flight on a connection.
    Transfers = 68: (connection: ConnectionNo) => Transfer, Passing, about [connection];
    /// Profile pictures, without their bytes.
    Pictures = 69: (user: UserNo) => Picture, Kept, about [user];
    /// Pictures that the peer of a connection is still to get: (connection, user).
    PictureDebts = 70: (connection: ConnectionNo, user: UserNo)
        => PictureDebt, Passing, about [connection, user];
    /// When they are sent: (connection, time_ms, user), no value.
    PictureTimes = 71: (connection: ConnectionNo, at_ms: i64, user: UserNo)
        => PictureTime, Passing, about [connection];
    /// Pictures that the peer of a connection holds: (connection, user).
    SentPictures = 72: (connection: ConnectionNo, user: UserNo)
        => SentPicture, Passing, about [connection, user];
    /// The picture in flight on a connection.
    PictureTransfers = 73: (connection: ConnectionNo)
        => PictureTransfer, Passing, about [connection];
    /// Channels that the peer of a connection offers, and what an administrator here has said to that:
    /// (connection, id of the channel).
    ChannelInvitations = 74: (connection: ConnectionNo, channel: Id)
        => ChannelInvitation, Kept, about [connection];
    /// Roles whose permissions were changed: number of the role.
    Roles = 75: (role: u8) => RolePermissions, Kept, about [];
    /// Further roles of members of a team: (team, user).
    TeamRoles = 76: (team: TeamNo, user: UserNo) => TeamRoles, Kept, about [];
    /// Active system admins, no value.
    SystemAdmins = 77: (user: UserNo) => SystemAdmin, Passing, about [];
    /// Bots and guests.
    UserClasses = 78: (user: UserNo) => UserClass, Kept, about [user];
    /// Bots of this workspace, no value.
    OwnBots = 79: (user: UserNo) => OwnBot, Kept, about [user];
    /// Posts whose components the policies do not let be shown.
    HiddenComponents = 80: (post: PostNo) => HiddenComponents, Passing, about [post];
    /// Earlier versions of posts, oldest first: (post, number).
    EarlierVersions = 81: (post: PostNo, number: u32) => EarlierVersion, Kept, about [post];
    /// Custom emoji.
    CustomEmoji = 82: (emoji: EmojiNo) => CustomEmoji, Kept, about [] and its [creator];
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
