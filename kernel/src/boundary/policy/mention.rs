//! The question about the mentions in a post.

use serde::{Deserialize, Serialize};

use super::{Context, Person};

/// The mentions in a post about to cross a connection. The context's author is the post's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MentionQuestion<'a> {
    /// Who, where, in which direction.
    #[serde(borrow)]
    pub context: Context<'a>,
    /// Id of the post.
    pub post_id: &'a str,
    /// The mentions of the side to which it crosses, in the order of the text; `None` = they exceed the limits of a
    /// question, or the properties cannot be read, so no policy can see whom it would let be mentioned.
    #[serde(borrow)]
    pub mentions: Option<Vec<Mentioned<'a>>>,
}

/// A mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mentioned<'a> {
    /// The name after the `@`, in lower case and without the punctuation at its end.
    pub name: &'a str,
    /// Whom it addresses.
    #[serde(borrow)]
    pub whom: Addressee<'a>,
}

/// Whom a mention addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Addressee<'a> {
    /// Everybody who reads the channel.
    Everybody,
    /// Somebody of the side to which the post crosses.
    #[serde(borrow)]
    Somebody(Person<'a>),
    /// Nobody who can be meant here; over there it may be anybody.
    Unknown,
}
