//! Creating an account.

use serde::{Deserialize, Serialize};

use super::{check, username_taken};
use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::registry::{Act, By};
use crate::model::User;
use crate::objects::users;
use crate::rows::id::{FeedSeq, WorkspaceNo};
use crate::rows::tx::Tx;
use crate::rows::{counters, lookup};

/// Creates a local user. The first account of a workspace may always sign up and becomes a system admin;
/// after that only the operator creates system admins. The password stays in the host's vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateUser {
    /// User name.
    pub username: String,
    /// E-mail address.
    pub email: String,
    /// Nickname.
    pub nickname: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Position.
    pub position: String,
    /// Locale; empty = `en`.
    pub locale: String,
    /// Whether the account is a system admin (honoured only for the system actor).
    pub admin: bool,
}
texts!(struct CreateUser {
    username: Text::Words,
    email: Text::Address,
    nickname: Text::Words,
    first_name: Text::Words,
    last_name: Text::Words,
    position: Text::Words,
    locale: Text::Locale,
    admin,
});

impl CreateUser {
    /// An account with only a name and an address.
    #[must_use]
    pub fn named(username: impl Into<String>, email: impl Into<String>) -> CreateUser {
        CreateUser {
            username: username.into(),
            email: email.into(),
            nickname: String::new(),
            first_name: String::new(),
            last_name: String::new(),
            position: String::new(),
            locale: String::new(),
            admin: false,
        }
    }
}

impl Act for CreateUser {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let first = counters::counters(tx).user == 0;
        let open = counters::workspace(tx).is_some_and(|workspace| workspace.config.open_server);
        if !first && !open && !authority::administers(tx, by.actor) {
            return Err(Refusal::new(
                403,
                "api.user.create_user.no_open_server",
                "This server does not allow open signups. Ask an administrator for an account.",
            ));
        }
        let admin = first || (self.admin && by.actor == Actor::System);
        let username = self.username.to_ascii_lowercase();
        let email = self.email.to_ascii_lowercase();
        let locale = if self.locale.is_empty() {
            "en"
        } else {
            &self.locale
        };
        let now_ms = tx.now_ms();
        let user = User {
            id: tx.new_id(),
            origin: WorkspaceNo::OURS,
            create_at: now_ms,
            update_at: now_ms,
            delete_at: 0,
            username,
            email,
            nickname: self.nickname.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            position: self.position.clone(),
            roles: if admin {
                "system_admin system_user"
            } else {
                "system_user"
            }
            .to_string(),
            locale: locale.to_string(),
            timezone: String::new(),
            props: String::new(),
            last_picture_update: 0,
            remote: None,
            feed_seq: FeedSeq(0),
        };
        check(&user)?;
        if lookup::username(tx, &user.username).is_some() {
            return Err(username_taken());
        }
        if lookup::email(tx, &user.email).is_some() {
            return Err(Refusal::new(
                400,
                "app.user.save.email_exists.app_error",
                "An account with that email already exists.",
            ));
        }
        Ok(Reply::Object(Object::User(users::insert(tx, &user))))
    }
}
