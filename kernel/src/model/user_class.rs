//! Accounts that are no ordinary person's.

use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Text, no_texts, texts};
use crate::rows::id::UserNo;

/// What an account is, if no ordinary person's. Key: user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserClass {
    /// A program's (`is_bot`).
    Bot {
        /// Who answers for it, if it is a bot of this workspace.
        owner: Option<UserNo>,
        /// What it does.
        description: String,
    },
    /// A guest of another workspace (`system_guest`). This one has no guests of its own.
    Guest,
}
texts!(enum UserClass {
    Bot { owner, description: Text::Words },
    Guest,
});

/// A bot of this workspace. Key: user. Listing them costs no look at those of other workspaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnBot;
no_texts!(OwnBot);

impl UserClass {
    /// Whether it is a program's.
    #[must_use]
    pub fn is_bot(&self) -> bool {
        matches!(self, UserClass::Bot { .. })
    }
}
