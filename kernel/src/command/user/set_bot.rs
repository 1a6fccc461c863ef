//! Making an account a bot's.

use serde::{Deserialize, Serialize};

use super::missing;
use crate::authority;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::registry::{Act, By};
use crate::model::limits::BOT_DESCRIPTION_CHARS_MAX;
use crate::model::{OwnBot, Role, User, UserClass};
use crate::objects::users;
use crate::rows::id::UserNo;
use crate::rows::tx::{Read, Tx};

/// Makes a local account a bot's, or changes what is said of a bot. A bot stays one. Only for system admins; not for
/// accounts of system admins, so that a person can always administer the workspace.
///
/// # Errors
/// The actor is not a system admin; the account or the owner is unknown or of another workspace; the account is a
/// system admin's; the owner is a bot; the description is too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetBot {
    /// The account.
    pub user: UserNo,
    /// Who answers for it.
    pub owner: UserNo,
    /// What it does.
    pub description: String,
}
texts!(struct SetBot {
    user,
    owner,
    description: Text::Words,
});

impl Act for SetBot {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        authority::require_admin(tx, by.actor)?;
        let user = tx.get::<User>(&self.user).ok_or_else(missing)?;
        let owner = tx.get::<User>(&self.owner).ok_or_else(missing)?;
        if !user.origin.is_ours() || !owner.origin.is_ours() {
            return Err(Refusal::forbidden());
        }
        let held = tx.get::<UserClass>(&self.user);
        let known_owner = match &held {
            Some(UserClass::Bot { owner, .. }) => *owner,
            Some(UserClass::Guest) | None => None,
        };
        let becomes_one = !held.is_some_and(|held| held.is_bot());
        let is_admin = user
            .roles
            .split(' ')
            .any(|role| role == Role::SystemAdmin.name());
        let owner_is_bot = tx
            .get::<UserClass>(&self.owner)
            .is_some_and(|it| it.is_bot());
        if (becomes_one && is_admin) || (owner_is_bot && known_owner != Some(self.owner)) {
            return Err(Refusal::new(
                400,
                "api.bot.create_bot.app_error",
                "An account of a system admin cannot become a bot's, and a bot cannot answer for another one.",
            ));
        }
        if self.description.chars().count() > BOT_DESCRIPTION_CHARS_MAX {
            return Err(Refusal::new(
                400,
                "model.bot.is_valid.description.app_error",
                format!(
                    "The description of a bot has at most {BOT_DESCRIPTION_CHARS_MAX} characters."
                ),
            ));
        }
        let class = UserClass::Bot {
            owner: Some(self.owner),
            description: self.description.clone(),
        };
        if tx.get::<UserClass>(&self.user).as_ref() != Some(&class) {
            tx.put(&self.user, &class);
            tx.put(&self.user, &OwnBot);
            users::update(tx, self.user, user);
        }
        Ok(Reply::Object(Object::User(self.user)))
    }
}
