//! Questions to the policies and their verdicts, as the kernel sees them.

use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Text, texts};
use crate::model::{ChannelKind, Place};

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
}

impl Question<'_> {
    /// What both kinds of question contain about a post.
    #[must_use]
    pub fn post(&self) -> MessageQuestion<'_> {
        match self {
            Question::Message(question) => *question,
            Question::Post(question) => question.message_only(),
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

impl From<Place> for Audience {
    fn from(place: Place) -> Audience {
        match place {
            Place::Team { kind, .. } => match kind {
                ChannelKind::Public => Audience::Open,
                ChannelKind::Private => Audience::Private,
            },
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

/// What every question begins with.
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
    /// User name of the author as this workspace shows it; empty if not known yet.
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

/// A replacement text for a post.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The message; `None` = unchanged.
    pub message: Option<String>,
    /// Replacements for the property texts at these paths.
    pub texts: Vec<TextLeaf>,
}
texts!(struct Revision {
    message: Text::Words,
    texts,
});

impl Revision {
    /// A revision of the message alone.
    #[must_use]
    pub fn of_message(message: String) -> Revision {
        Revision {
            message: Some(message),
            texts: Vec::new(),
        }
    }
}

/// The answer of the policies. `Failed` comes from the host, not from a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Encoded", into = "Encoded")]
pub enum Verdict {
    /// Let it pass.
    Allow,
    /// Do not let it pass, for this reason (shown to admins).
    Deny(String),
    /// Let it pass with this replacement text.
    Revise(Revision),
    /// The policy trapped, ran out of fuel or is missing; the slot's setting decides the consequence.
    Failed(String),
}
texts!(enum Verdict {
    Allow,
    Deny(reason: Text::Refusal),
    Revise(revision),
    Failed(reason: Text::Own),
});

/// The encoded form of a [`Verdict`]. A revision of the message alone keeps the form from before properties
/// were judged, so older kernels read it and journals stay readable.
#[derive(Serialize, Deserialize)]
enum Encoded {
    Allow,
    Deny(String),
    ReviseMessage(String),
    Failed(String),
    Revise(Revision),
}

impl From<Encoded> for Verdict {
    fn from(encoded: Encoded) -> Verdict {
        match encoded {
            Encoded::Allow => Verdict::Allow,
            Encoded::Deny(reason) => Verdict::Deny(reason),
            Encoded::ReviseMessage(text) => Verdict::Revise(Revision::of_message(text)),
            Encoded::Failed(reason) => Verdict::Failed(reason),
            Encoded::Revise(revision) => Verdict::Revise(revision),
        }
    }
}

impl From<Verdict> for Encoded {
    fn from(verdict: Verdict) -> Encoded {
        match verdict {
            Verdict::Allow => Encoded::Allow,
            Verdict::Deny(reason) => Encoded::Deny(reason),
            Verdict::Revise(Revision {
                message: Some(text),
                texts,
            }) if texts.is_empty() => Encoded::ReviseMessage(text),
            Verdict::Revise(revision) => Encoded::Revise(revision),
            Verdict::Failed(reason) => Encoded::Failed(reason),
        }
    }
}
