//! Storing personal values.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::authority;
use crate::boundary::output::{Effect, Event, Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::registry::{Act, By};
use crate::model::limits::{PERSONAL_BYTES_MAX, PERSONAL_NAME_BYTES_MAX, PERSONAL_VALUES_MAX};
use crate::model::{PersonalKind, PersonalValue};
use crate::rows::id::UserNo;
use crate::rows::tx::{Read, Tx};

/// Sets and deletes values of the actor that mean nothing to others. If a value is changed twice, the later
/// change counts.
///
/// # Errors
/// Too many changes, or there would be too many values; an empty or too long name; a value that is too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPersonal {
    /// What the values are for.
    pub kind: PersonalKind,
    /// The changes.
    pub changes: Vec<PersonalChange>,
}
texts!(struct SetPersonal { kind, changes });

/// A change of a personal value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonalChange {
    /// Its name.
    pub name: String,
    /// The new value; `None` deletes it.
    pub value: Option<String>,
}
texts!(
    struct PersonalChange {
        name: Text::Words,
        value: Text::Words,
    }
);

impl Act for SetPersonal {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let user = authority::acting_user(tx, by.actor)?;
        if self.changes.len() > self.kind.changes_max() {
            return Err(Refusal::invalid_param("preferences"));
        }
        let (mut set, mut deleted) = (BTreeSet::new(), BTreeSet::new());
        for PersonalChange { name, value } in &self.changes {
            check(self.kind, name, value.as_deref())?;
            let key = (user, self.kind.number(), name.clone());
            let old = tx.get::<PersonalValue>(&key);
            match value {
                Some(value) if old.as_ref().is_none_or(|old| old.value != *value) => {
                    let value = value.clone();
                    tx.put(&key, &PersonalValue { value });
                    deleted.remove(name);
                    set.insert(name.clone());
                }
                None if old.is_some() => {
                    tx.delete::<PersonalValue>(&key);
                    set.remove(name);
                    deleted.insert(name.clone());
                }
                Some(_) | None => {}
            }
        }
        if !set.is_empty() {
            check_room(tx, user, self.kind)?;
        }
        let (set, deleted) = (Vec::from_iter(set), Vec::from_iter(deleted));
        if !set.is_empty() {
            tx.effect(Effect::Event(Event::PersonalSet(user, self.kind, set)));
        }
        if !deleted.is_empty() {
            let event = Event::PersonalDeleted(user, self.kind, deleted);
            tx.effect(Effect::Event(event));
        }
        Ok(Reply::Done)
    }
}

fn check(kind: PersonalKind, name: &str, value: Option<&str>) -> Result<(), Refusal> {
    let invalid = |field: &str| {
        Refusal::new(
            400,
            &format!("model.preference.is_valid.{field}.app_error"),
            format!("Invalid {field}."),
        )
    };
    if name.is_empty() || name.len() > PERSONAL_NAME_BYTES_MAX {
        return Err(invalid("name"));
    }
    if value.is_some_and(|value| value.len() > kind.value_bytes_max()) {
        return Err(invalid("value"));
    }
    Ok(())
}

/// Refuses if there are now more values, or bytes of them, than a user may have.
fn check_room(tx: &Tx<'_>, user: UserNo, kind: PersonalKind) -> Result<(), Refusal> {
    let held = tx.prefix::<PersonalValue, _>(&(user, kind.number()), PERSONAL_VALUES_MAX + 1);
    let bytes: usize = held
        .iter()
        .map(|((_, _, name), row)| name.len() + row.value.len())
        .sum();
    if held.len() <= PERSONAL_VALUES_MAX as usize && bytes <= PERSONAL_BYTES_MAX {
        return Ok(());
    }
    Err(Refusal::new(
        400,
        "causeway.personal.full.app_error",
        format!(
            "A user keeps at most {PERSONAL_VALUES_MAX} of these values, and {PERSONAL_BYTES_MAX} \
             bytes of them. Delete some first."
        ),
    ))
}
