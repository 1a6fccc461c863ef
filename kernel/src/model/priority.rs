//! How a post asks for attention.

use serde::{Deserialize, Serialize};

use crate::boundary::texts::no_texts;

/// What the author of a root post asks of its readers. Replies have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Priority {
    /// How urgent the post is.
    pub level: PriorityLevel,
    /// Whether readers are asked to acknowledge it.
    pub requested_ack: bool,
    /// Whether mentioned users are to be notified until they react; only for urgent posts.
    pub persistent_notifications: bool,
}

/// How urgent a post is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PriorityLevel {
    /// Like any other post.
    Standard,
    /// Important.
    Important,
    /// Urgent.
    Urgent,
}

no_texts!(Priority, PriorityLevel);

impl Priority {
    /// Whether these can be combined.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.persistent_notifications || self.level == PriorityLevel::Urgent
    }
}

impl PriorityLevel {
    /// The level with a name of the protocol and the API.
    #[must_use]
    pub fn named(name: &str) -> Option<PriorityLevel> {
        match name {
            "" => Some(PriorityLevel::Standard),
            "important" => Some(PriorityLevel::Important),
            "urgent" => Some(PriorityLevel::Urgent),
            _ => None,
        }
    }

    /// Its name in the protocol and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            PriorityLevel::Standard => "",
            PriorityLevel::Important => "important",
            PriorityLevel::Urgent => "urgent",
        }
    }
}
