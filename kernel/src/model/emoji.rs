//! Custom emoji.

use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Text, texts};
use crate::rows::id::{Id, UserNo};

/// A custom emoji. Key: its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomEmoji {
    /// Id.
    pub id: Id,
    /// Its name, unique.
    pub name: String,
    /// Who made it.
    pub creator: UserNo,
    /// When, in ms.
    pub create_at: i64,
    /// Digest of its picture's bytes, in hexadecimal digits.
    pub digest: String,
}
texts!(struct CustomEmoji {
    id,
    name: Text::Token,
    creator,
    create_at,
    digest: Text::Words,
});
