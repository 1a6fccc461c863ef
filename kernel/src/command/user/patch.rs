//! Changing a profile.

use serde::{Deserialize, Serialize};

use super::{check, missing, username_taken};
use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::{Json, Text, texts};
use crate::command::registry::{Act, By};
use crate::model::User;
use crate::model::limits::USER_PROPS_BYTES_MAX;
use crate::objects::users;
use crate::rows::id::UserNo;
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};

/// Changes a local user's profile: one's own, or anybody's as an administrator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchUser {
    /// The user.
    pub user: UserNo,
    /// The changes.
    pub patch: UserPatch,
}
texts!(struct PatchUser { user, patch });

/// Changes of a profile; fields that are `None` are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPatch {
    /// User name.
    pub username: Option<String>,
    /// Nickname.
    pub nickname: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Position.
    pub position: Option<String>,
    /// Locale.
    pub locale: Option<String>,
    /// Time zone: a JSON object of texts, as in the API.
    pub timezone: Option<String>,
}
texts!(
    struct UserPatch {
        username: Text::Words,
        nickname: Text::Words,
        first_name: Text::Words,
        last_name: Text::Words,
        position: Text::Words,
        locale: Text::Locale,
        timezone: Json::Any,
    }
);

/// The last field, which version 1 did not have.
const MISSING: [u8; 1] = [0];

impl Act for PatchUser {
    const VERSION: u8 = 2;

    fn of_older_version(version: u8, body: &[u8]) -> Option<PatchUser> {
        let whole = (version == 1).then(|| [body, &MISSING].concat())?;
        match postcard::take_from_bytes(&whole) {
            Ok((patch, [])) => Some(patch),
            _ => None,
        }
    }

    fn to_older_version(&self, version: u8) -> Option<Vec<u8>> {
        let has_place = version == 1 && self.patch.timezone.is_none();
        let body = postcard::to_allocvec(self).ok()?;
        let body = body.strip_suffix(MISSING.as_slice())?;
        has_place.then(|| body.to_vec())
    }

    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let PatchUser {
            user: user_no,
            patch,
        } = self;
        let user_no = *user_no;
        let own = by.actor != Actor::System && authority::acting_user(tx, by.actor)? == user_no;
        if !own && !authority::administers(tx, by.actor) {
            return Err(Refusal::forbidden());
        }
        let old = tx.get::<User>(&user_no).ok_or_else(missing)?;
        if !old.origin.is_ours() {
            // A profile is changed where its user is at home; a change here would not last.
            return Err(Refusal::forbidden());
        }
        let mut user = old.clone();
        let set = |field: &mut String, value: &Option<String>| {
            if let Some(value) = value {
                field.clone_from(value);
            }
        };
        set(
            &mut user.username,
            &patch
                .username
                .as_ref()
                .map(|name| name.to_ascii_lowercase()),
        );
        set(&mut user.nickname, &patch.nickname);
        set(&mut user.first_name, &patch.first_name);
        set(&mut user.last_name, &patch.last_name);
        set(&mut user.position, &patch.position);
        set(&mut user.locale, &patch.locale);
        if let Some(timezone) = &patch.timezone {
            user.timezone = checked_timezone(timezone)?;
        }
        if user == old {
            return Ok(Reply::Object(Object::User(user_no)));
        }
        check(&user)?;
        if user.username != old.username {
            if lookup::username(tx, &user.username).is_some() {
                return Err(username_taken());
            }
            let username = std::mem::replace(&mut user.username, old.username);
            users::rename(tx, user_no, &mut user, username);
        }
        users::update(tx, user_no, user);
        Ok(Reply::Object(Object::User(user_no)))
    }
}

/// A time zone as it is stored: the texts of the object.
fn checked_timezone(timezone: &str) -> Result<String, Refusal> {
    if timezone.len() > USER_PROPS_BYTES_MAX {
        return Err(Refusal::invalid_param("timezone"));
    }
    Ok(users::props_of(timezone, &[], None))
}
