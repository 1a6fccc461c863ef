use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Text, no_texts, texts};
use crate::rows::id::Id;

/// A team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Id.
    pub id: Id,
    /// When it was created, in ms.
    pub create_at: i64,
    /// Last change, in ms.
    pub update_at: i64,
    /// When it was archived, in ms; 0 = live.
    pub delete_at: i64,
    /// Display name.
    pub display_name: String,
    /// URL name, unique.
    pub name: String,
    /// Description.
    pub description: String,
    /// Whether anybody in the workspace may join.
    pub is_open: bool,
}
texts!(struct Team {
    id,
    create_at,
    update_at,
    delete_at,
    display_name: Text::Words,
    name: Text::TeamName,
    description: Text::Words,
    is_open,
});

/// A member of a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamMember {
    /// When the user joined, in ms.
    pub create_at: i64,
    /// When the user left, in ms; 0 = a member.
    pub delete_at: i64,
    /// Whether the user is a team admin.
    pub is_admin: bool,
}
texts!(struct TeamMember {
    create_at,
    delete_at,
    is_admin,
});

/// A team that a user is a member of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserTeam;

no_texts!(UserTeam);
