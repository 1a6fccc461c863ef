//! Personal values of users.

use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Text, no_texts, texts};

/// What personal values are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PersonalKind {
    /// Preferences of clients. The name is the category, `/` and the name within the category.
    Preference,
}
no_texts!(PersonalKind);

impl PersonalKind {
    /// The number in keys; never reused.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            PersonalKind::Preference => 1,
        }
    }
}

/// A value that a user stores and nobody else acts on: the kernel does not interpret it. Key: (user, kind,
/// name).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonalValue {
    /// The value, as sent by the client.
    pub value: String,
}
texts!(
    struct PersonalValue {
        value: Text::Words,
    }
);
