//! Accounts: sign-up and changes of a profile.

use super::{CreateUser, UserPatch};
use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::{Object, Refusal};
use crate::model::User;
use crate::model::limits::{NAME_CHARS_MAX, POSITION_CHARS_MAX};
use crate::model::naming;
use crate::objects::users;
use crate::rows::counters;
use crate::rows::id::{FeedSeq, UserNo, WorkspaceNo};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};

/// Makes a local user. The first account of a workspace may always sign up and administers the
/// system; after that only the operator makes administrators.
pub(super) fn create(tx: &mut Tx<'_>, actor: Actor, new: &CreateUser) -> Result<Object, Refusal> {
    let first = counters::counters(tx).user == 0;
    let open = counters::workspace(tx).is_some_and(|workspace| workspace.config.open_server);
    if !first && !open && !authority::administers(tx, actor) {
        return Err(Refusal::new(
            403,
            "api.user.create_user.no_open_server",
            "This server does not allow open signups. Ask an administrator for an account.",
        ));
    }
    let admin = first || (new.admin && actor == Actor::System);
    let username = new.username.to_ascii_lowercase();
    let email = new.email.to_ascii_lowercase();
    let locale = if new.locale.is_empty() {
        "en"
    } else {
        &new.locale
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
        nickname: new.nickname.clone(),
        first_name: new.first_name.clone(),
        last_name: new.last_name.clone(),
        position: new.position.clone(),
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
    Ok(Object::User(users::insert(tx, &user)))
}

/// Changes a local user's profile: one's own, or anybody's as an administrator.
pub(super) fn patch(
    tx: &mut Tx<'_>,
    actor: Actor,
    user_no: UserNo,
    patch: &UserPatch,
) -> Result<Object, Refusal> {
    let own = actor != Actor::System && authority::acting_user(tx, actor)? == user_no;
    if !own && !authority::administers(tx, actor) {
        return Err(Refusal::forbidden());
    }
    let old = tx.get::<User>(&user_no).ok_or_else(missing)?;
    if !old.origin.is_ours() {
        // A profile is changed where its user lives; a change here would not last.
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
    if user == old {
        return Ok(Object::User(user_no));
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
    Ok(Object::User(user_no))
}

/// The refusal for a user that is not there.
pub(super) fn missing() -> Refusal {
    Refusal::new(
        404,
        "app.user.missing_account.const",
        "Unable to find the user.",
    )
}

fn username_taken() -> Refusal {
    Refusal::new(
        400,
        "app.user.save.username_exists.app_error",
        "An account with that username already exists.",
    )
}

/// The rules of client API §4.
fn check(user: &User) -> Result<(), Refusal> {
    let short = |text: &str, chars_max: usize| text.chars().count() <= chars_max;
    let rules = [
        ("username", naming::is_username(&user.username)),
        ("email", naming::is_email(&user.email)),
        ("nickname", short(&user.nickname, NAME_CHARS_MAX)),
        ("first_name", short(&user.first_name, NAME_CHARS_MAX)),
        ("last_name", short(&user.last_name, NAME_CHARS_MAX)),
        ("position", short(&user.position, POSITION_CHARS_MAX)),
        ("locale", naming::is_locale(&user.locale)),
    ];
    match rules.into_iter().find(|(_, kept)| !kept) {
        None => Ok(()),
        Some((field, _)) => Err(Refusal::new(
            400,
            &format!("model.user.is_valid.{field}.app_error"),
            format!("Invalid {}.", field.replace('_', " ")),
        )),
    }
}
