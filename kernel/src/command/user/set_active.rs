//! Deactivating and reactivating an account.

use serde::{Deserialize, Serialize};

use super::missing;
use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::no_texts;
use crate::command::registry::{Act, By};
use crate::model::User;
use crate::objects::users;
use crate::rows::id::UserNo;
use crate::rows::tx::{Read, Tx};

/// Deactivates or reactivates a local account. Everybody may deactivate their own, administrators may do both with
/// any.
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
        if (user.delete_at == 0) != self.is_active {
            user.delete_at = if self.is_active { 0 } else { tx.now_ms() };
            users::update(tx, self.user, user);
        }
        Ok(Reply::Object(Object::User(self.user)))
    }
}
