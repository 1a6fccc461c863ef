//! Preferences of clients: personal values of that kind.

use causeway_kernel::model::limits::PERSONAL_VALUES_MAX;
use causeway_kernel::model::{PersonalKind, PersonalValue};
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::tx::Read;

const PREFERENCE: u8 = PersonalKind::Preference.number();

/// A preference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preference {
    /// Category.
    pub category: String,
    /// Name in the category.
    pub name: String,
    /// Value.
    pub value: String,
}

impl Preference {
    /// The preference for the name of a personal value.
    #[must_use]
    pub fn of(stored_name: &str, value: String) -> Preference {
        let (category, name) = stored_name.split_once('/').unwrap_or((stored_name, ""));
        Preference {
            category: category.into(),
            name: name.into(),
            value,
        }
    }
}

/// The name of a preference's personal value; `None` for a category that could not be separated from the
/// name.
#[must_use]
pub fn stored_name(category: &str, name: &str) -> Option<String> {
    (!category.is_empty() && !category.contains('/')).then(|| format!("{category}/{name}"))
}

/// All preferences of a user, by category and name.
pub fn of_user(rows: &(impl Read + ?Sized), user: UserNo) -> Vec<Preference> {
    let values = rows.prefix::<PersonalValue, _>(&(user, PREFERENCE), PERSONAL_VALUES_MAX);
    values
        .into_iter()
        .map(|((_, _, name), row)| Preference::of(&name, row.value))
        .collect()
}

/// The preference of a stored name.
pub fn by_name(rows: &(impl Read + ?Sized), user: UserNo, stored_name: &str) -> Option<Preference> {
    let row = rows.get::<PersonalValue>(&(user, PREFERENCE, stored_name.into()))?;
    Some(Preference::of(stored_name, row.value))
}
