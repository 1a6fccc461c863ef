//! What the policies answer.

use serde::{Deserialize, Serialize};

use super::question::TextLeaf;
use crate::boundary::texts::{Text, texts};

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

/// Replacements for fields of a profile; `None` = unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileRevision {
    /// Nickname.
    pub nickname: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Job title.
    pub position: Option<String>,
    /// Whether the e-mail address is left out.
    pub without_email: bool,
}
texts!(struct ProfileRevision {
    nickname: Text::Words,
    first_name: Text::Words,
    last_name: Text::Words,
    position: Text::Words,
    without_email,
});

/// A policy's refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    /// Which policy: its slot, its name and its version; empty if it was asked by an earlier release.
    pub policy: String,
    /// The reason for programs; empty if the policy gave none.
    pub code: String,
    /// The reason in words (shown to admins and to the person concerned).
    pub text: String,
}
texts!(
    struct Denial {
        policy: Text::Words,
        code: Text::Words,
        text: Text::Refusal,
    }
);

impl Denial {
    /// A denial for a reason in words alone.
    #[must_use]
    pub fn for_reason(text: impl Into<String>) -> Denial {
        Denial {
            text: text.into(),
            ..Denial::default()
        }
    }
}

/// The answer of the policies. `Failed` comes from the host, not from a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Encoded", into = "Encoded")]
pub enum Verdict {
    /// Let it pass.
    Allow,
    /// Do not let it pass.
    Deny(Denial),
    /// Let a post pass with this replacement text.
    Revise(Revision),
    /// Let a profile pass with these fields.
    ReviseProfile(ProfileRevision),
    /// The policy trapped, ran out of fuel or is missing; the slot's setting decides the consequence.
    Failed(String),
    /// Let a post pass with the mentions at these positions of the question silenced.
    Silence(Vec<u32>),
}
texts!(enum Verdict {
    Allow,
    Deny(denial),
    Revise(revision),
    ReviseProfile(revision),
    Failed(reason: Text::Own),
    Silence(positions),
});

/// The encoded form of a [`Verdict`]. A revision of the message alone keeps the form from before properties
/// were judged, so older kernels read it and journals stay readable; so does a denial without a policy's name.
#[derive(Serialize, Deserialize)]
enum Encoded {
    Allow,
    Deny(String),
    ReviseMessage(String),
    Failed(String),
    Revise(Revision),
    DenyBy(Denial),
    ReviseProfile(ProfileRevision),
    Silence(Vec<u32>),
}

impl From<Encoded> for Verdict {
    fn from(encoded: Encoded) -> Verdict {
        match encoded {
            Encoded::Allow => Verdict::Allow,
            Encoded::Deny(text) => Verdict::Deny(Denial::for_reason(text)),
            Encoded::DenyBy(denial) => Verdict::Deny(denial),
            Encoded::ReviseMessage(text) => Verdict::Revise(Revision::of_message(text)),
            Encoded::Failed(reason) => Verdict::Failed(reason),
            Encoded::Revise(revision) => Verdict::Revise(revision),
            Encoded::ReviseProfile(revision) => Verdict::ReviseProfile(revision),
            Encoded::Silence(positions) => Verdict::Silence(positions),
        }
    }
}

impl From<Verdict> for Encoded {
    fn from(verdict: Verdict) -> Encoded {
        match verdict {
            Verdict::Allow => Encoded::Allow,
            Verdict::Deny(denial) if denial.policy.is_empty() && denial.code.is_empty() => {
                Encoded::Deny(denial.text)
            }
            Verdict::Deny(denial) => Encoded::DenyBy(denial),
            Verdict::ReviseProfile(revision) => Encoded::ReviseProfile(revision),
            Verdict::Revise(Revision {
                message: Some(text),
                texts,
            }) if texts.is_empty() => Encoded::ReviseMessage(text),
            Verdict::Revise(revision) => Encoded::Revise(revision),
            Verdict::Failed(reason) => Encoded::Failed(reason),
            Verdict::Silence(positions) => Encoded::Silence(positions),
        }
    }
}
