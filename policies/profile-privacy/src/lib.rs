//! A policy that leaves fields out of the profiles that cross a connection.
//!
//! Its settings are JSON:
//!
//! ```json
//! {
//!   "rules": [
//!     { "direction": "outbound", "strip": ["email"] },
//!     { "connections": ["globex"], "strip": ["position", "nickname"] }
//!   ]
//! }
//! ```
//!
//! | field of a rule | meaning | without it |
//! |---|---|---|
//! | `strip` | what is left out: `email`, `nickname`, `first_name`, `last_name`, `position` | refused |
//! | `direction` | profiles of people here (`outbound`) or of people of connections (`inbound`) | both |
//! | `connections` | the connections that it is about, by id or name | all |
//!
//! Everything is left out that any rule about the crossing names.

mod rules;

use std::cell::RefCell;

use bindings::exports::causeway::policy::policy::{Description, Guest as Policy};
use bindings::exports::causeway::policy::profile_gate::{
    Guest as ProfileGate, Profile, Revision, Verdict,
};
use causeway_policy_common::context::Crossing;
use rules::{Field, Settings};

#[allow(
    unsafe_code,
    missing_docs,
    reason = "generated: calls across the component's boundary are raw pointers"
)]
mod bindings {
    wit_bindgen::generate!({
        world: "profile-policy",
        path: "../../wit/policy",
        with: { "causeway:policy/context@0.3.1": causeway_policy_common::context },
        additional_derives: [serde::Deserialize, serde::Serialize],
        generate_all,
    });

    use super::ProfilePrivacy;

    export!(ProfilePrivacy);
}

struct ProfilePrivacy;

thread_local! {
    /// The settings of this instance.
    static SETTINGS: RefCell<Option<Settings>> = const { RefCell::new(None) };
}

impl Policy for ProfilePrivacy {
    fn describe() -> Description {
        Description {
            name: "profile-privacy".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            gates: vec!["profile-gate".into()],
            settings_schema: include_str!("../schema.json").into(),
        }
    }

    fn configure(settings: String) -> Result<(), String> {
        SETTINGS.set(Some(causeway_policy_common::read(&settings)?));
        Ok(())
    }

    fn rules() -> Vec<String> {
        SETTINGS.with_borrow(|it| it.as_ref().map(Settings::in_words).unwrap_or_default())
    }
}

impl ProfileGate for ProfilePrivacy {
    fn decide(crossing: Crossing, profile: Profile) -> Verdict {
        SETTINGS.with_borrow(|settings| {
            let strips = |field| {
                let mut settings = settings.iter();
                settings.any(|settings| settings.strips(field, &crossing))
            };
            strip(&profile, strips)
        })
    }
}

/// The verdict on a profile of which some fields are left out; those that are empty already stay so.
fn strip(profile: &Profile, strips: impl Fn(Field) -> bool) -> Verdict {
    let emptied = |field, value: &str| (!value.is_empty() && strips(field)).then(String::new);
    let revision = Revision {
        nickname: emptied(Field::Nickname, &profile.nickname),
        first_name: emptied(Field::FirstName, &profile.first_name),
        last_name: emptied(Field::LastName, &profile.last_name),
        position: emptied(Field::Position, &profile.position),
        email: emptied(Field::Email, &profile.email),
    };
    match revision {
        Revision {
            nickname: None,
            first_name: None,
            last_name: None,
            position: None,
            email: None,
        } => Verdict::Allow,
        revision => Verdict::Revise(revision),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_answered_as_the_file_says() {
        causeway_policy_questions::check(
            include_str!("../questions.jsonl"),
            ProfilePrivacy::configure,
            |case| case.ask(ProfilePrivacy::decide),
        );
    }

    #[test]
    fn the_schema_is_that_of_the_settings() {
        causeway_policy_questions::check_schema(
            include_str!("../schema.json"),
            ProfilePrivacy::configure,
        );
    }
}
