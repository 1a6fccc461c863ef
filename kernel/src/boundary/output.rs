//! What a step returns: a reply, writes and effects.

use serde::{Deserialize, Serialize};

use crate::model::{Availability, PersonalKind, Role};
use crate::rows::id::{ChannelNo, ConnectionNo, EmojiNo, FileNo, Id, PostNo, TeamNo, UserNo};
use crate::rows::table::Table;

/// The whole result of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// For the sender of this input.
    pub reply: Reply,
    /// Rows to put or delete, sorted by (table, key), each key once.
    pub writes: Vec<Write>,
    /// What the host does once the step is durable, in this order.
    pub effects: Vec<Effect>,
}

/// One changed row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// The table.
    pub table: Table,
    /// The key.
    pub key: Vec<u8>,
    /// The new value; `None` deletes the row.
    pub value: Option<Vec<u8>>,
}

/// The answer to an input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// Done; there is nothing to report.
    #[default]
    Done,
    /// A command succeeded and created or touched this object.
    Object(Object),
    /// A command was refused; nothing changed.
    Refused(Refusal),
    /// Text for the user who ran a slash command.
    Text(String),
    /// The answer to a peer's frame.
    Http {
        /// HTTP status.
        status: u16,
        /// JSON body.
        #[serde(with = "serde_bytes")]
        body: Vec<u8>,
    },
    /// A peer's frame is not finished: its answer comes with a further part.
    Unfinished {
        /// Items that are left.
        left: u32,
    },
}

/// What a command created or touched; the host renders it from the tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Object {
    /// A user.
    User(UserNo),
    /// A team.
    Team(TeamNo),
    /// A member of a team.
    TeamMember(TeamNo, UserNo),
    /// A channel.
    Channel(ChannelNo),
    /// A member of a channel.
    ChannelMember(ChannelNo, UserNo),
    /// A post.
    Post(PostNo),
    /// A reaction.
    Reaction(PostNo, UserNo, String),
    /// A connection.
    Connection(ConnectionNo),
    /// An acknowledgement of a post.
    Acknowledgement(PostNo, UserNo),
    /// A file.
    File(FileNo),
    /// A role.
    Role(Role),
    /// A custom emoji.
    Emoji(EmojiNo),
}

/// A refusal in the API's own error format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The API's error id, e.g. `api.context.permissions.app_error`.
    pub id: String,
    /// What happened, what it means and what to do, for people.
    pub message: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(status: u16, id: &str, message: impl Into<String>) -> Refusal {
        Refusal {
            status,
            id: id.into(),
            message: message.into(),
        }
    }

    /// The caller lacks a permission.
    #[must_use]
    pub fn forbidden() -> Refusal {
        Refusal::new(
            403,
            "api.context.permissions.app_error",
            "You do not have the appropriate permissions.",
        )
    }

    /// A field of the body is wrong.
    #[must_use]
    pub fn invalid_param(name: &str) -> Refusal {
        Refusal::new(
            400,
            "api.context.invalid_body_param.app_error",
            format!("Invalid or missing {name} in request body."),
        )
    }
}

/// What the host does once the step is durable. Recordings identify a kind by its position, so a new one is
/// added at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Ephemeral: notify local clients.
    Event(Event),
    /// Wake-up for a round: send this frame; the receipt names the attempt.
    Send {
        /// The connection.
        connection: ConnectionNo,
        /// Attempt number, increasing for each connection.
        attempt: u64,
        /// The whole frame, JSON.
        #[serde(with = "serde_bytes")]
        frame: Vec<u8>,
    },
    /// Wake-up: give the kernel a `Timer` at this time, in ms.
    Wake {
        /// When.
        at_ms: i64,
    },
    /// A connection's record changed: the host rereads it (to ping at once or stop pinging).
    Connection(ConnectionNo),
    /// For the metrics: items of a frame that were refused, ignored or held.
    Refused {
        /// Who sent them.
        connection: ConnectionNo,
        /// Why, one of the fixed names of [`inbound::Reason`](crate::inbound::Reason).
        reason: String,
        /// How many.
        items: u32,
    },
    /// Send the bytes of a file.
    SendFile(SendFile),
    /// Send a profile picture.
    SendPicture(SendPicture),
}

/// Bytes of a file for the place that its announcement was given; the receipt names the attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendFile {
    /// The connection.
    pub connection: ConnectionNo,
    /// Attempt number, increasing for each connection.
    pub attempt: u64,
    /// The peer's id of the upload.
    pub upload: Id,
    /// Digest of the whole file, in hexadecimal digits.
    pub digest: String,
    /// Bytes that the peer holds already.
    pub offset: u64,
    /// Bytes of the whole file.
    pub size: u64,
}

/// A picture for a peer that holds its user's profile; the receipt names the attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendPicture {
    /// The connection.
    pub connection: ConnectionNo,
    /// Attempt number, increasing for each connection.
    pub attempt: u64,
    /// Whose picture.
    pub user: Id,
    /// Digest of its bytes, in hexadecimal digits.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
}

/// Events for local WebSocket clients. The audience is decided by `authority`, with the same rules as reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// `posted`.
    Posted(ChannelNo, PostNo),
    /// `post_edited`.
    PostEdited(ChannelNo, PostNo),
    /// `post_deleted`.
    PostDeleted(ChannelNo, PostNo),
    /// `reaction_added`.
    ReactionAdded(ChannelNo, ReactionEvent),
    /// `reaction_removed`.
    ReactionRemoved(ChannelNo, ReactionEvent),
    /// `user_added`: a user joined a channel.
    UserAdded(ChannelNo, UserNo),
    /// `user_removed`: a user left a channel.
    UserRemoved(ChannelNo, UserNo),
    /// `channel_created`.
    ChannelCreated(ChannelNo),
    /// `channel_updated`: also when it was shared or unshared.
    ChannelUpdated(ChannelNo),
    /// `channel_deleted`: archived.
    ChannelDeleted(ChannelNo),
    /// `added_to_team`.
    AddedToTeam(TeamNo, UserNo),
    /// `new_user`.
    NewUser(UserNo),
    /// `user_updated`.
    UserUpdated(UserNo),
    /// `ephemeral_message`: a text in a channel that only this user sees.
    Ephemeral(ChannelNo, UserNo, String),
    /// A user set personal values: their kind and names. `preferences_changed` if they are preferences,
    /// `sidebar_category_updated` if they are categories, and so on.
    PersonalSet(UserNo, PersonalKind, Vec<String>),
    /// A user deleted personal values: their kind and names. `preferences_deleted` if they are preferences, and so
    /// on.
    PersonalDeleted(UserNo, PersonalKind, Vec<String>),
    /// `post_acknowledgement_added`.
    AcknowledgementAdded(ChannelNo, AcknowledgementEvent),
    /// `post_acknowledgement_removed`.
    AcknowledgementRemoved(ChannelNo, AcknowledgementEvent),
    /// `status_change`: of a user of another workspace; the host itself notifies of those of this one.
    StatusChanged(UserNo, Availability),
    /// `direct_added`: the first user opened a direct channel with the second.
    DirectAdded(ChannelNo, UserNo, UserNo),
    /// `group_added`: a group channel was opened.
    GroupAdded(ChannelNo),
    /// `channel_restored`: no longer archived.
    ChannelRestored(ChannelNo),
    /// `user_role_updated`: a user's roles of the system changed.
    UserRoleUpdated(UserNo),
    /// `memberrole_updated`: a member's roles in a team changed.
    TeamMemberRoleUpdated(TeamNo, UserNo),
    /// `role_updated`: the permissions of a role changed.
    RoleUpdated(Role),
    /// `channel_converted`: a public channel became private, or the reverse.
    ChannelConverted(ChannelNo),
    /// `channel_member_updated`: a member's role in a channel changed.
    ChannelMemberUpdated(ChannelNo, UserNo),
    /// `update_team`.
    TeamUpdated(TeamNo),
    /// `delete_team`: archived.
    TeamDeleted(TeamNo),
    /// `restore_team`: no longer archived.
    TeamRestored(TeamNo),
    /// `leave_team`: a user is no longer a member of a team.
    LeftTeam(TeamNo, UserNo),
    /// `emoji_added`.
    EmojiAdded(EmojiNo),
}

/// An acknowledgement as it was when the event happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcknowledgementEvent {
    /// The post.
    pub post: PostNo,
    /// Who acknowledged it.
    pub user: UserNo,
    /// When, in ms; 0 = withdrawn.
    pub acknowledged_at: i64,
}

/// A reaction as it was when the event happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactionEvent {
    /// The post.
    pub post: PostNo,
    /// Who reacted.
    pub user: UserNo,
    /// Emoji name.
    pub emoji: String,
    /// When, in ms.
    pub create_at: i64,
    /// Id of the post, which may be gone when the event is rendered.
    pub post_id: Id,
}
