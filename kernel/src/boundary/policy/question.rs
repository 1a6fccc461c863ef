//! What the policies are asked.

use serde::{Deserialize, Serialize};

use super::{Gate, MentionQuestion};
use crate::boundary::texts::{Text, texts};
use crate::model::{ChannelKind, Component, Place};

/// The direction in which an object travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Direction {
    /// From the connection to us.
    Inbound,
    /// From us to the connection.
    Outbound,
}

/// A question. New kinds are added at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question<'a> {
    /// May a post with this message cross? Asked if `Behaviour::WholePosts` is not in force.
    #[serde(borrow)]
    Message(MessageQuestion<'a>),
    /// May this post cross that connection?
    #[serde(borrow)]
    Post(PostQuestion<'a>),
    /// May this file of a post?
    #[serde(borrow)]
    File(FileQuestion<'a>),
    /// May this reaction or acknowledgement?
    #[serde(borrow)]
    Reaction(ReactionQuestion<'a>),
    /// May this person become a member of that channel? The context's author is this person.
    #[serde(borrow)]
    Member(Context<'a>),
    /// May this profile cross, and what of it?
    #[serde(borrow)]
    Profile(ProfileQuestion<'a>),
    /// May this channel be shared?
    #[serde(borrow)]
    Channel(ChannelQuestion<'a>),
    /// May these people talk to each other directly?
    #[serde(borrow)]
    Direct(DirectQuestion<'a>),
    /// May this post mention these people of the other side?
    #[serde(borrow)]
    Mention(MentionQuestion<'a>),
    /// May this component of an integration be shown or used there?
    #[serde(borrow)]
    Component(ComponentQuestion<'a>),
}

impl Question<'_> {
    /// What a question about a post contains of it whatever its kind.
    #[must_use]
    pub fn post(&self) -> Option<MessageQuestion<'_>> {
        match self {
            Question::Message(question) => Some(*question),
            Question::Post(question) => Some(question.message_only()),
            Question::File(_)
            | Question::Reaction(_)
            | Question::Member(_)
            | Question::Profile(_)
            | Question::Channel(_)
            | Question::Direct(_)
            | Question::Mention(_)
            | Question::Component(_) => None,
        }
    }

    /// The gate that decides it.
    #[must_use]
    pub fn gate(&self) -> Gate {
        match self {
            Question::Message(_) | Question::Post(_) => Gate::Post,
            Question::File(_) => Gate::File,
            Question::Reaction(_) => Gate::Reaction,
            Question::Member(_) => Gate::Member,
            Question::Profile(_) => Gate::Profile,
            Question::Channel(_) => Gate::Channel,
            Question::Direct(_) => Gate::Direct,
            Question::Mention(_) => Gate::Mention,
            Question::Component(_) => Gate::Component,
        }
    }
}

/// Who may see a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    /// Everybody of its team.
    Open,
    /// Its members.
    Private,
    /// Two people.
    Direct,
    /// A few people.
    Group,
}

impl From<ChannelKind> for Audience {
    fn from(kind: ChannelKind) -> Audience {
        match kind {
            ChannelKind::Public => Audience::Open,
            ChannelKind::Private => Audience::Private,
        }
    }
}

impl From<Place> for Audience {
    fn from(place: Place) -> Audience {
        match place {
            Place::Team { kind, .. } => kind.into(),
            Place::Direct => Audience::Direct,
            Place::Group => Audience::Group,
        }
    }
}

/// Where a person's home is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Home<'a> {
    /// In this workspace.
    Here,
    /// In the workspace behind a connection.
    Connected {
        /// `remote_id` of the connection.
        id: &'a str,
        /// Its local name.
        name: &'a str,
    },
    /// In a workspace that is no longer connected, or not known yet.
    Elsewhere,
}

/// What a question about something in a channel begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context<'a> {
    /// Direction.
    pub direction: Direction,
    /// `remote_id` of the connection.
    pub connection_id: &'a str,
    /// Local name of the connection.
    pub connection_name: &'a str,
    /// Id of the channel.
    pub channel_id: &'a str,
    /// URL name of the channel.
    pub channel_name: &'a str,
    /// Who may see the channel.
    pub audience: Audience,
    /// Id of the author.
    pub author_id: &'a str,
    /// User name of the author as this workspace shows it, or of somebody new who becomes a member as the peer says it;
    /// empty if not known yet.
    pub author_name: &'a str,
    /// The author's home.
    #[serde(borrow)]
    pub author_home: Home<'a>,
    /// The step's time in ms.
    pub now_ms: i64,
}

/// A post about to cross a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostQuestion<'a> {
    /// Who, where, in which direction.
    #[serde(borrow)]
    pub context: Context<'a>,
    /// Id of the post.
    pub id: &'a str,
    /// Id of the thread's root, empty for a root.
    pub root_id: &'a str,
    /// The message.
    pub message: &'a str,
    /// All texts of the properties; `None` = they exceed the limits of a question or cannot be parsed, so no
    /// policy can see what it would let pass.
    pub texts: Option<Vec<TextLeaf>>,
    /// The post's type, empty for an ordinary one.
    pub kind: &'a str,
    /// Creation time in ms.
    pub create_at: i64,
    /// Whether the post is an edit of an earlier version.
    pub is_edit: bool,
}

impl PostQuestion<'_> {
    /// The question about the message alone.
    #[must_use]
    pub fn message_only(&self) -> MessageQuestion<'_> {
        let context = &self.context;
        MessageQuestion {
            direction: context.direction,
            connection_id: context.connection_id,
            connection_name: context.connection_name,
            channel_id: context.channel_id,
            channel_name: context.channel_name,
            post_id: self.id,
            root_id: self.root_id,
            author_id: context.author_id,
            author_name: context.author_name,
            message: self.message,
            post_type: self.kind,
            create_at: self.create_at,
            is_edit: self.is_edit,
        }
    }
}

/// A post about to cross a connection, without its properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageQuestion<'a> {
    /// Direction.
    pub direction: Direction,
    /// `remote_id` of the connection.
    pub connection_id: &'a str,
    /// Local name of the connection.
    pub connection_name: &'a str,
    /// Id of the channel.
    pub channel_id: &'a str,
    /// URL name of the channel.
    pub channel_name: &'a str,
    /// Id of the post.
    pub post_id: &'a str,
    /// Id of the thread's root, empty for a root.
    pub root_id: &'a str,
    /// Id of the author.
    pub author_id: &'a str,
    /// User name of the author as this workspace shows it; empty if not known yet.
    pub author_name: &'a str,
    /// The text.
    pub message: &'a str,
    /// The post's type, empty for an ordinary one.
    pub post_type: &'a str,
    /// Creation time in ms.
    pub create_at: i64,
    /// Whether the post is an edit of an earlier version.
    pub is_edit: bool,
}

/// A text among a post's properties.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextLeaf {
    /// Its place in the properties, a JSON pointer (RFC 6901).
    pub path: String,
    /// The text.
    pub text: String,
}
texts!(
    struct TextLeaf {
        path: Text::Pointer,
        text: Text::Words,
    }
);

/// A file of a post, before its bytes cross. The context's author is who uploaded it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileQuestion<'a> {
    /// Who, where, in which direction.
    #[serde(borrow)]
    pub context: Context<'a>,
    /// Id of the file.
    pub id: &'a str,
    /// Id of its post; empty if it is not known yet.
    pub post_id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type; empty if unknown.
    pub media_type: &'a str,
}

/// A reaction or an acknowledgement about to cross. The context's author is whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactionQuestion<'a> {
    /// Who, where, in which direction.
    #[serde(borrow)]
    pub context: Context<'a>,
    /// Id of the post.
    pub post_id: &'a str,
    /// Name of the emoji; `None` for an acknowledgement.
    pub emoji: Option<&'a str>,
}

/// What a question about something outside channels begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage<'a> {
    /// Direction.
    pub direction: Direction,
    /// `remote_id` of the connection.
    pub connection_id: &'a str,
    /// Local name of the connection.
    pub connection_name: &'a str,
    /// The step's time in ms.
    pub now_ms: i64,
}

/// A person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person<'a> {
    /// Id; empty if a peer did not say who it is.
    pub id: &'a str,
    /// User name as this workspace shows it; as the peer says it for a profile from a peer that brings a new one. Empty
    /// if not known yet.
    pub name: &'a str,
    /// The person's home.
    #[serde(borrow)]
    pub home: Home<'a>,
}

/// A profile about to cross.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileQuestion<'a> {
    /// Where, in which direction.
    #[serde(borrow)]
    pub passage: Passage<'a>,
    /// Whose it is.
    #[serde(borrow)]
    pub person: Person<'a>,
    /// Nickname.
    pub nickname: &'a str,
    /// First name.
    pub first_name: &'a str,
    /// Last name.
    pub last_name: &'a str,
    /// Job title.
    pub position: &'a str,
    /// E-mail address.
    pub email: &'a str,
}

/// A channel about to be shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelQuestion<'a> {
    /// Where, in which direction.
    #[serde(borrow)]
    pub passage: Passage<'a>,
    /// Id of the channel.
    pub id: &'a str,
    /// Its URL name.
    pub name: &'a str,
    /// Who may see it.
    pub audience: Audience,
    /// Its display name.
    pub display_name: &'a str,
    /// Who invites; `None` = the peer, which names nobody.
    #[serde(borrow)]
    pub inviter: Option<Person<'a>>,
    /// Whether the other side may only read.
    pub read_only: bool,
}

/// A direct or group channel about to be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectQuestion<'a> {
    /// Where, in which direction.
    #[serde(borrow)]
    pub passage: Passage<'a>,
    /// Everybody in it.
    #[serde(borrow)]
    pub people: Vec<Person<'a>>,
    /// Who opens it.
    #[serde(borrow)]
    pub opener: Person<'a>,
    /// Whether it is a group channel.
    pub is_group: bool,
}

/// A component of an integration in a shared channel. The context's author is who uses it, or whose post shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentQuestion<'a> {
    /// Who, where, in which direction.
    #[serde(borrow)]
    pub context: Context<'a>,
    /// The component.
    pub component: Component,
    /// Whether it is about to be used; otherwise a post is about to show it.
    pub is_used: bool,
}
