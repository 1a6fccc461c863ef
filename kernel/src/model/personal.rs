//! What people keep for themselves.

use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Text, no_texts, texts};

/// What personal values are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PersonalKind {
    /// Preferences of clients. The name is the category, `/` and the name in that.
    Preference,
}
no_texts!(PersonalKind);

impl PersonalKind {
    /// What stands for it in keys; never used again.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            PersonalKind::Preference => 1,
        }
    }
}

/// What a person keeps and nobody else acts on: the kernel stores it unread. Key: (user, kind,
/// name).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonalValue {
    /// The value, as the client gave it.
    pub value: String,
}
texts!(
    struct PersonalValue {
        value: Text::Words,
    }
);
