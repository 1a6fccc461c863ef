//! Preferences. Client API §6.6.

use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::tx::Read;
use serde::Serialize;

use super::Views;
use crate::query::preferences::Preference;

/// A preference of a user.
#[derive(Serialize)]
pub struct PreferenceView<'a> {
    user_id: String,
    category: &'a str,
    name: &'a str,
    value: &'a str,
}

impl<R: Read + ?Sized> Views<'_, R> {
    /// A preference.
    pub fn preference<'a>(&self, user: UserNo, preference: &'a Preference) -> PreferenceView<'a> {
        PreferenceView {
            user_id: self.user_id(user),
            category: &preference.category,
            name: &preference.name,
            value: &preference.value,
        }
    }
}
