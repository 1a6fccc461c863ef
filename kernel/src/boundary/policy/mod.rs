//! The policies as the kernel sees them: what they are asked, and what they answer.

mod mention;
mod question;
mod verdict;

use serde::{Deserialize, Serialize};

use crate::boundary::texts::no_texts;

pub use mention::{Addressee, MentionQuestion, Mentioned};
pub use question::{
    Audience, ChannelQuestion, ComponentQuestion, Context, DirectQuestion, Direction, FileQuestion,
    Home, MessageQuestion, Passage, Person, PostQuestion, ProfileQuestion, Question,
    ReactionQuestion, TextLeaf,
};
pub use verdict::{Denial, ProfileRevision, Revision, Verdict};

/// A gate: a kind of decision about what may cross. Numbers are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Gate {
    /// Posts.
    Post = 0,
    /// Files of posts.
    File = 1,
    /// Reactions and acknowledgements.
    Reaction = 2,
    /// Members of channels.
    Member = 3,
    /// Profiles.
    Profile = 4,
    /// Invitations to channels.
    Channel = 5,
    /// Direct and group channels.
    Direct = 6,
    /// Mentions in posts.
    Mention = 7,
    /// Components of integrations in shared channels.
    Component = 8,
}

impl Gate {
    /// Every gate, by its number.
    pub const ALL: [Gate; 9] = [
        Gate::Post,
        Gate::File,
        Gate::Reaction,
        Gate::Member,
        Gate::Profile,
        Gate::Channel,
        Gate::Direct,
        Gate::Mention,
        Gate::Component,
    ];

    /// The interface of the policies' contract that answers it.
    #[must_use]
    pub fn interface(self) -> &'static str {
        match self {
            Gate::Post => "post-gate",
            Gate::File => "file-gate",
            Gate::Reaction => "reaction-gate",
            Gate::Member => "member-gate",
            Gate::Profile => "profile-gate",
            Gate::Channel => "channel-gate",
            Gate::Direct => "direct-gate",
            Gate::Mention => "mention-gate",
            Gate::Component => "component-gate",
        }
    }
}

/// The gates at which at least one policy decides; at others everything passes without a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gates(u32);
no_texts!(Gates);

impl Gates {
    /// Every gate, including those that this release does not know.
    pub const ALL: Gates = Gates(u32::MAX);

    /// Whether a gate is among them.
    #[must_use]
    pub fn contains(self, gate: Gate) -> bool {
        self.0 & (1 << gate as u8) != 0
    }
}

impl FromIterator<Gate> for Gates {
    fn from_iter<I: IntoIterator<Item = Gate>>(gates: I) -> Gates {
        Gates(
            gates
                .into_iter()
                .fold(0, |bits, gate| bits | (1 << gate as u8)),
        )
    }
}
