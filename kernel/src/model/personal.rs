//! Personal values of users.

use serde::{Deserialize, Serialize};

use super::limits::{
    DRAFT_BYTES_MAX, DRAFT_CHANGES_MAX, PERSONAL_CHANGES_MAX, PERSONAL_VALUE_BYTES_MAX,
};
use crate::boundary::texts::{Text, no_texts, texts};

/// What personal values are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PersonalKind {
    /// Preferences of clients. The name is the category, `/` and the name within the category.
    Preference,
    /// Categories of the sidebar. The name is the team's id, `/` and the category's id.
    SidebarCategory,
    /// Drafts. The name is the channel's id, `/` and the id of the thread's root, if it is a reply.
    Draft,
    /// Notification settings of channels. The name is the channel's id.
    ChannelNotifications,
    /// Settings of the account: each is a JSON value under its name in the API.
    Account,
}
no_texts!(PersonalKind);

impl PersonalKind {
    /// The number in keys; never reused.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            PersonalKind::Preference => 1,
            PersonalKind::SidebarCategory => 2,
            PersonalKind::Draft => 3,
            PersonalKind::ChannelNotifications => 4,
            PersonalKind::Account => 5,
        }
    }

    /// How many values one command may change; more are refused.
    #[must_use]
    pub const fn changes_max(self) -> usize {
        match self {
            PersonalKind::Draft => DRAFT_CHANGES_MAX,
            _ => PERSONAL_CHANGES_MAX,
        }
    }

    /// Bytes of a value; more is refused.
    #[must_use]
    pub const fn value_bytes_max(self) -> usize {
        match self {
            PersonalKind::Draft => DRAFT_BYTES_MAX,
            _ => PERSONAL_VALUE_BYTES_MAX,
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
