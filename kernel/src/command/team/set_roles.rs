//! Changing the roles of a member of a team.

use serde::{Deserialize, Serialize};

use super::missing;
use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::{Effect, Event, Object, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::model::{Role, Team, TeamMember, TeamRoles, User};
use crate::rows::id::{TeamNo, UserNo};
use crate::rows::tx::{Read, Tx};

/// Changes the roles of a local member of a team. Who administers the team may decide who else does; which further
/// roles a member has is decided by system admins alone, as team admins could otherwise give themselves permissions.
///
/// # Errors
/// The team is unknown; the actor does not administer it, or, if the further roles change, the system; the user is no
/// member, or of another workspace; a further role cannot be given in teams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetTeamRoles {
    /// The team.
    pub team: TeamNo,
    /// The member.
    pub user: UserNo,
    /// Whether the member administers the team.
    pub is_admin: bool,
    /// All further roles; `None` = as they are.
    pub roles: Option<Vec<Role>>,
}
texts!(struct SetTeamRoles { team, user, is_admin, roles });

impl Act for SetTeamRoles {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let key = (self.team, self.user);
        let team = tx.get::<Team>(&self.team);
        team.filter(|team| team.delete_at == 0)
            .ok_or_else(missing)?;
        if by.actor != Actor::System {
            let actor = authority::acting_user(tx, by.actor)?;
            if !authority::is_team_admin(tx, self.team, actor) {
                return Err(Refusal::forbidden());
            }
        }
        let member = tx.get::<TeamMember>(&key);
        let mut member = member
            .filter(|member| member.delete_at == 0)
            .ok_or_else(not_a_member)?;
        let user = tx.get::<User>(&self.user);
        if user.is_none_or(|user| !user.origin.is_ours()) {
            // Users of other workspaces administer nothing here.
            return Err(Refusal::forbidden());
        }
        let had = authority::explicit_roles(tx, self.team, self.user);
        let roles = self.further_roles(&had)?;
        if roles != had {
            authority::require_admin(tx, by.actor)?;
        }
        if roles != had || member.is_admin != self.is_admin {
            member.is_admin = self.is_admin;
            tx.put(&key, &member);
            if roles.is_empty() {
                tx.delete::<TeamRoles>(&key);
            } else {
                tx.put(&key, &TeamRoles { roles });
            }
            let event = Event::TeamMemberRoleUpdated(self.team, self.user);
            tx.effect(Effect::Event(event));
        }
        Ok(Reply::Object(Object::TeamMember(self.team, self.user)))
    }
}

impl SetTeamRoles {
    /// The further roles that the member is to have, sorted.
    fn further_roles(&self, had: &[Role]) -> Result<Vec<Role>, Refusal> {
        let Some(roles) = &self.roles else {
            return Ok(had.to_vec());
        };
        if let Some(role) = roles.iter().find(|role| !role.is_explicit_in_teams()) {
            return Err(Refusal::new(
                400,
                "api.channel.update_team_member_roles.scheme_role.app_error",
                format!("The role `{}` cannot be given in a team.", role.name()),
            ));
        }
        let known = Role::ALL.iter().filter(|role| roles.contains(role));
        Ok(known.copied().collect())
    }
}

fn not_a_member() -> Refusal {
    Refusal::new(
        404,
        "app.team.get_member.missing.app_error",
        "Unable to find the team member.",
    )
}
