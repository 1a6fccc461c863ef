//! The records of a workspace: the contents of the tables.

mod channel;
mod channel_invitation;
mod component;
mod connected_workspaces;
mod connection;
mod emoji;
mod feed;
mod file;
pub mod file_name;
mod frame;
mod job;
pub mod limits;
pub mod naming;
mod personal;
mod picture;
mod post;
mod priority;
pub mod reasons;
mod role;
mod status;
mod team;
mod transfer;
mod user;
mod user_class;
mod workspace;

pub use channel::{
    Channel, ChannelKind, ChannelMember, DirectCount, Place, SharedMembership, UserChannel,
};
pub use channel_invitation::{ChannelInvitation, InvitationState, OfferedChannel};
pub use component::{Action, Component, HiddenComponents};
pub use connected_workspaces::ConnectedWorkspaces;
pub use connection::{
    Connection, ConnectionLink, ConnectionState, Offer, PeerKind, PeerWorkspace, Round, RoundItem,
    RoundSource, Section, Suspended,
};
pub use emoji::CustomEmoji;
pub use feed::{
    Cursor, Exception, ExceptionState, ExceptionTime, FeedEntry, FeedObject, Follower, History,
    Link, LinkEnd, LinkState, Pending, Scope, SentOldPost, SentReaction, SentUser, SharedChannel,
};
pub use file::{
    ChannelFiles, DIGEST_CHARS, Dimensions, File, FileBytes, UnpostedCount, UnpostedFile,
};
pub use frame::{FrameProgress, KeptFrame, QuarantineShare};
pub use job::{
    About, Asked, Due, DueKind, Held, HeldItem, HeldKind, HeldSum, Interruption, Job, LastResend,
    QuarantineEntry, Request, RequestExpiry, VerdictRow,
};
pub use personal::{PersonalKind, PersonalValue};
pub use picture::{Picture, PictureDebt, PictureTime, PictureTransfer, SentPicture};
pub use post::{
    Acknowledgement, AcknowledgementCount, ChannelPost, EarlierVersion, EmojiCount, Mention,
    PinnedPost, Post, PostBlock, PostEmoji, PostMention, Reaction, RemovedReactions, ThreadPost,
};
pub use priority::{Priority, PriorityLevel};
pub use role::{Permission, Role, RolePermissions, RoleScope, SystemAdmin, TeamRoles};
pub use status::{Availability, LocalStatus, Status, StatusCursor, StatusRow};
pub use team::{Team, TeamMember, UserTeam};
pub use transfer::{
    FileDebt, FileLimits, FileStanding, FileTime, SentFile, Transfer, TransferStage,
    UnpostedOfPeer, Upload,
};
pub use user::{CUSTOM_STATUS, IdRow, NameRow, RemoteUser, User};
pub use user_class::{OwnBot, UserClass};
pub use workspace::{Config, Counters, MetaKey, MetaRow, Workspace};

/// The kind of object that an id or a unique name belongs to; first byte of the key.
pub mod kind {
    /// A user id.
    pub const USER: u8 = 1;
    /// A team id.
    pub const TEAM: u8 = 2;
    /// A channel id.
    pub const CHANNEL: u8 = 3;
    /// A post id.
    pub const POST: u8 = 4;
    /// A connection's `remote_id`.
    pub const CONNECTION: u8 = 5;
    /// A user name.
    pub const USERNAME: u8 = 6;
    /// An e-mail address.
    pub const EMAIL: u8 = 7;
    /// A team name.
    pub const TEAM_NAME: u8 = 8;
    /// A channel name: the text is the team's number in 16 hexadecimal digits, `/` and the name.
    pub const CHANNEL_NAME: u8 = 9;
    /// A connection's local name.
    pub const CONNECTION_NAME: u8 = 10;
    /// The search key of a user of this workspace: the name in lower case, a NUL, and the user's number in 16
    /// hexadecimal digits.
    pub const LOCAL_NAME: u8 = 11;
    /// The search key of a user of another workspace, in the same form.
    pub const REMOTE_NAME: u8 = 12;
    /// A file id.
    pub const FILE: u8 = 13;
    /// The id of a custom emoji.
    pub const EMOJI: u8 = 14;
    /// The name of a custom emoji.
    pub const EMOJI_NAME: u8 = 15;
}
