//! What people may write about a channel.

use crate::boundary::behaviour::Behaviour;
use crate::boundary::output::Refusal;
use crate::model::limits::{DISPLAY_NAME_CHARS_MAX, HEADER_CHARS_MAX, PURPOSE_CHARS_MAX};
use crate::model::naming;
use crate::rows::tx::Tx;

/// The names and descriptions of a channel of a team.
pub(super) struct Fields<'f> {
    /// URL name, in lower case.
    pub(super) name: &'f str,
    /// Display name.
    pub(super) display_name: &'f str,
    /// Header.
    pub(super) header: &'f str,
    /// Purpose.
    pub(super) purpose: &'f str,
}

impl Fields<'_> {
    /// Checks their form and lengths.
    ///
    /// # Errors
    /// 400 for the first field that does not fit.
    pub(super) fn check(&self, tx: &Tx<'_>) -> Result<(), Refusal> {
        let name = self.name;
        let looks_like_a_group =
            naming::is_group_channel_name(name) && Behaviour::GuardedInvitations.is_in_force(tx);
        if !naming::is_channel_name(name)
            || naming::is_direct_channel_name(name)
            || looks_like_a_group
        {
            return Err(invalid(
                "1_or_more",
                "Name must be 1 or more lowercase alphanumeric characters, dashes or underscores.",
            ));
        }
        self.check_texts()
    }

    /// Checks the lengths of all but the URL name.
    ///
    /// # Errors
    /// 400 for the first field that is too long.
    pub(super) fn check_texts(&self) -> Result<(), Refusal> {
        if self.display_name.chars().count() > DISPLAY_NAME_CHARS_MAX {
            return Err(invalid("display_name", "Invalid display name."));
        }
        if self.header.chars().count() > HEADER_CHARS_MAX {
            return Err(invalid("header", "Invalid header."));
        }
        if self.purpose.chars().count() > PURPOSE_CHARS_MAX {
            return Err(invalid("purpose", "Invalid purpose."));
        }
        Ok(())
    }
}

fn invalid(field: &str, text: &str) -> Refusal {
    Refusal::new(
        400,
        &format!("model.channel.is_valid.{field}.app_error"),
        text,
    )
}

/// The refusal of a URL name that another channel of the team has.
pub(super) fn name_taken() -> Refusal {
    Refusal::new(
        400,
        "store.sql_channel.save_channel.exists.app_error",
        "A channel with that name already exists on the same team.",
    )
}
