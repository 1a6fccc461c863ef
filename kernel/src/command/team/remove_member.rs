//! Leaving a team, or removing somebody from it.

use serde::{Deserialize, Serialize};

use super::missing;
use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::model::Team;
use crate::objects::members;
use crate::rows::id::{TeamNo, UserNo};
use crate::rows::tx::{Read, Tx};

/// Ends a membership of a team, and those of its channels.
///
/// # Errors
/// The actor is somebody else and does not administer the team (`remove_user_from_team`); the user is not a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveTeamMember {
    /// The team.
    pub team: TeamNo,
    /// The user.
    pub user: UserNo,
}
texts!(struct RemoveTeamMember { team, user });

impl Act for RemoveTeamMember {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let RemoveTeamMember { team, user } = *self;
        if !tx.has::<Team>(&team) {
            return Err(missing());
        }
        if by.actor != Actor::System {
            let actor = authority::acting_user(tx, by.actor)?;
            if actor != user && !authority::is_team_admin(tx, team, actor) {
                return Err(Refusal::forbidden());
            }
        }
        if !members::leave_team(tx, team, user) {
            return Err(Refusal::new(
                404,
                "app.team.get_member.missing.app_error",
                "Unable to find the team member.",
            ));
        }
        Ok(Reply::Object(Object::TeamMember(team, user)))
    }
}
