//! Changing the roles of an account.

use serde::{Deserialize, Serialize};

use super::missing;
use crate::authority;
use crate::boundary::output::{Effect, Event, Object, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::model::{Role, RoleScope, User, UserClass};
use crate::objects::{administrators, users};
use crate::rows::id::UserNo;
use crate::rows::tx::{Read, Tx};

/// Gives a local user these roles of the system, and no others.
///
/// # Errors
/// The actor is not a system admin; the user is unknown or of another workspace; a role is not one of the system, or
/// that of every user is missing; a bot would be a system admin; the last
/// active system admin would be none any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRoles {
    /// The user.
    pub user: UserNo,
    /// The roles.
    pub roles: Vec<Role>,
}
texts!(struct SetRoles { user, roles });

impl Act for SetRoles {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        authority::require_admin(tx, by.actor)?;
        let mut user = tx.get::<User>(&self.user).ok_or_else(missing)?;
        if !user.origin.is_ours() {
            // Users of other workspaces have no roles here but that of every user.
            return Err(Refusal::forbidden());
        }
        let is_of_system = |role: &Role| role.scope() == RoleScope::System;
        if !self.roles.iter().all(is_of_system) || !self.roles.contains(&Role::SystemUser) {
            return Err(Refusal::new(
                400,
                "api.context.invalid_body_param.app_error",
                "Invalid roles: a user has roles of the system, and always `system_user`.",
            ));
        }
        let is_bot = tx
            .get::<UserClass>(&self.user)
            .is_some_and(|class| class.is_bot());
        if is_bot && self.roles.contains(&Role::SystemAdmin) {
            return Err(Refusal::new(
                400,
                "api.user.promote_bot.app_error",
                "A bot cannot be a system admin: nobody logs in as one, so nobody might administer this workspace any \
                 more.",
            ));
        }
        if !self.roles.contains(&Role::SystemAdmin) && administrators::is_last(tx, self.user) {
            return Err(Refusal::new(
                400,
                "api.user.demote_last_admin.app_error",
                "Cannot demote the last active system admin: nobody could administer this workspace any more. \
                 Make another user a system admin first.",
            ));
        }
        let known = Role::ALL.iter().filter(|role| self.roles.contains(role));
        let names: Vec<&str> = known.map(|role| role.name()).collect();
        let names = names.join(" ");
        if user.roles != names {
            user.roles = names;
            users::update(tx, self.user, user);
            tx.effect(Effect::Event(Event::UserRoleUpdated(self.user)));
        }
        Ok(Reply::Object(Object::User(self.user)))
    }
}
