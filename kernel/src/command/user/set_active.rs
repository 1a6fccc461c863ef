//! Deactivating and reactivating an account.

use serde::{Deserialize, Serialize};

use super::missing;
use crate::authority;
use crate::boundary::behaviour::Behaviour;
use crate::boundary::input::Actor;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::no_texts;
use crate::command::registry::{Act, By};
use crate::model::User;
use crate::objects::{administrators, users};
use crate::rows::id::UserNo;
use crate::rows::tx::{Read, Tx};

/// Deactivates or reactivates a local account. Everybody may deactivate their own, administrators may do both with
/// any. The last active system admin stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetActive {
    /// The user.
    pub user: UserNo,
    /// Whether the account is active from now on.
    pub is_active: bool,
}
no_texts!(SetActive);

impl Act for SetActive {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let own = by.actor != Actor::System && authority::acting_user(tx, by.actor)? == self.user;
        if (self.is_active || !own) && !authority::administers(tx, by.actor) {
            return Err(Refusal::forbidden());
        }
        let mut user = tx.get::<User>(&self.user).ok_or_else(missing)?;
        if !user.origin.is_ours() {
            // An account is deactivated where its user is at home.
            return Err(Refusal::forbidden());
        }
        if !self.is_active
            && Behaviour::Roles.is_in_force(tx)
            && administrators::is_last(tx, self.user)
        {
            return Err(last_admin());
        }
        if (user.delete_at == 0) != self.is_active {
            user.delete_at = if self.is_active { 0 } else { tx.now_ms() };
            users::update(tx, self.user, user);
        }
        Ok(Reply::Object(Object::User(self.user)))
    }
}

fn last_admin() -> Refusal {
    Refusal::new(
        400,
        "causeway.user.deactivate_last_admin.app_error",
        "Cannot deactivate the last active system admin: nobody could administer this workspace any more. Make \
         another user a system admin first.",
    )
}
