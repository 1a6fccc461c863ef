//! Adding somebody to a team.

use serde::{Deserialize, Serialize};

use super::{join, missing};
use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::command::user;
use crate::model::{Team, User};
use crate::rows::id::{TeamNo, UserNo};
use crate::rows::tx::{Read, Tx};

/// Adds a local user to a team and its default channels; an existing member is left unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddTeamMember {
    /// The team.
    pub team: TeamNo,
    /// The user.
    pub user: UserNo,
}
texts!(struct AddTeamMember { team, user });

impl Act for AddTeamMember {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let AddTeamMember {
            team: team_no,
            user: user_no,
        } = *self;
        let team = tx
            .get::<Team>(&team_no)
            .filter(|team| team.delete_at == 0)
            .ok_or_else(missing)?;
        let by = match by.actor {
            Actor::System => None,
            _ => Some(authority::acting_user(tx, by.actor)?),
        };
        if let Some(by) = by {
            let invited = authority::is_team_member(tx, team_no, by);
            let joins = by == user_no && team.is_open;
            if !invited && !joins && !authority::is_system_admin(tx, by) {
                return Err(Refusal::forbidden());
            }
        }
        let target = tx.get::<User>(&user_no).filter(|user| user.delete_at == 0);
        // A peer's users join a team through the channels shared with them, never by this command.
        target
            .filter(|user| user.origin.is_ours())
            .ok_or_else(user::missing)?;
        if !authority::is_team_member(tx, team_no, user_no) {
            join(tx, team_no, user_no, by.filter(|by| *by != user_no), false);
        }
        Ok(Reply::Object(Object::TeamMember(team_no, user_no)))
    }
}
