//! Questions to the policies and their verdicts, as the kernel sees them.

use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Text, texts};

/// Which way an object travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Direction {
    /// From the connection to us.
    Inbound,
    /// From us to the connection.
    Outbound,
}

/// A question. New kinds are added at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question<'a> {
    /// May this post cross that connection?
    #[serde(borrow)]
    Post(PostQuestion<'a>),
}

/// A post about to cross a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostQuestion<'a> {
    /// Which way.
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
    /// User name of the author as this workspace shows it; empty when not known yet.
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

/// What the policies say. `Failed` is the host's word, not a policy's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Let it pass.
    Allow,
    /// Do not let it pass, for this reason (shown to admins).
    Deny(String),
    /// Let it pass with this text instead.
    Revise(String),
    /// The policy trapped, ran out of fuel or is missing; what that means is the slot's setting.
    Failed(String),
}
texts!(enum Verdict {
    Allow,
    Deny(reason: Text::Words),
    Revise(text: Text::Words),
    Failed(reason: Text::Own),
});
