use serde::{Deserialize, Serialize};

use super::record;
use crate::rows::id::{Id, TeamNo, UserNo};

/// A team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Id.
    pub id: Id,
    /// When it was made, in ms.
    pub create_at: i64,
    /// Last change, in ms.
    pub update_at: i64,
    /// When it was archived, in ms; 0 = live.
    pub delete_at: i64,
    /// Name shown.
    pub display_name: String,
    /// URL name, unique.
    pub name: String,
    /// Description.
    pub description: String,
    /// Whether anybody of the workspace may join.
    pub is_open: bool,
}
record!(Team, Teams, TeamNo);

/// A member of a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamMember {
    /// When the user joined, in ms.
    pub create_at: i64,
    /// When the user left, in ms; 0 = a member.
    pub delete_at: i64,
    /// Whether the user administers the team.
    pub is_admin: bool,
}
record!(TeamMember, TeamMembers, (TeamNo, UserNo));

/// A team of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserTeam;
record!(UserTeam, UserTeams, (UserNo, TeamNo));
