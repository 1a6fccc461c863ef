//! Accounts: sign-up, deactivation, roles, bots, and changes of a profile, its picture and its custom status.

mod create;
mod patch;
mod set_active;
mod set_bot;
mod set_custom_status;
mod set_picture;
mod set_roles;

pub use create::CreateUser;
pub use patch::{PatchUser, UserPatch};
pub use set_active::SetActive;
pub use set_bot::SetBot;
pub use set_custom_status::SetCustomStatus;
pub use set_picture::SetPicture;
pub use set_roles::SetRoles;

use crate::boundary::output::Refusal;
use crate::model::limits::{NAME_CHARS_MAX, POSITION_CHARS_MAX};
use crate::model::{User, naming};

/// The refusal for a user that does not exist.
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
