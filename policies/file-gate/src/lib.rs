//! A policy that decides which files cross a connection, by their size, type and name. The post of a file
//! crosses without it.
//!
//! Its settings are JSON:
//!
//! ```json
//! {
//!   "rules": [
//!     { "max_bytes": 20000000 },
//!     { "direction": "inbound", "deny": { "extensions": ["exe", "js"], "names": ["*invoice*.zip"] } },
//!     { "connections": ["globex"], "allow": { "media_types": ["image/*"], "extensions": ["pdf"] } }
//!   ]
//! }
//! ```
//!
//! | field of a rule | meaning | without it |
//! |---|---|---|
//! | `direction` | `inbound` or `outbound` | both |
//! | `connections` | the connections that it is about, by id or name | all |
//! | `max_bytes` | larger files do not cross | no limit |
//! | `allow` | only these files cross | all |
//! | `deny` | these files do not cross | none |
//!
//! `allow` and `deny` list files by any of `media_types`, `extensions` and `names`. Media types and names are
//! patterns: `*` stands for any number of characters, `?` for one. An extension is what a name ends with after
//! a dot, e.g. `gz` or `tar.gz`. Dots and spaces at the end of a name, which some systems ignore, are ignored;
//! only names in `deny` are also compared with the name as it is, so that `*.` denies those that end with a dot.
//! Letters of ASCII are compared without regard to case. A file must satisfy every rule about its crossing.
//!
//! A media type is derived from the name: neither says what the bytes are. An unknown type is empty, and
//! matches only `*`.

mod pattern;
mod rules;

use std::cell::RefCell;

use bindings::exports::causeway::policy::file_gate::{File, Guest as FileGate};
use bindings::exports::causeway::policy::policy::{Description, Guest as Policy};
use causeway_policy_common::context::{Crossing, Decision};
use causeway_policy_common::deny;
use rules::{Asked, Objection, Settings};

#[allow(
    unsafe_code,
    missing_docs,
    reason = "generated: calls across the component's boundary are raw pointers"
)]
mod bindings {
    wit_bindgen::generate!({
        world: "file-policy",
        path: "../../wit/policy",
        with: { "causeway:policy/context@0.3.1": causeway_policy_common::context },
        additional_derives: [serde::Deserialize, serde::Serialize],
        generate_all,
    });

    use super::Files;

    export!(Files);
}

/// Maximum characters of a file's name in a denial.
const NAME_CHARS_MAX: usize = 100;

struct Files;

thread_local! {
    /// The settings of this instance.
    static SETTINGS: RefCell<Option<Settings>> = const { RefCell::new(None) };
}

impl Policy for Files {
    fn describe() -> Description {
        Description {
            name: "file-gate".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            gates: vec!["file-gate".into()],
            settings_schema: include_str!("../schema.json").into(),
        }
    }

    fn configure(settings: String) -> Result<(), String> {
        SETTINGS.set(Some(Settings::read(&settings)?));
        Ok(())
    }

    fn rules() -> Vec<String> {
        SETTINGS.with_borrow(|it| it.as_ref().map(Settings::in_words).unwrap_or_default())
    }
}

impl FileGate for Files {
    fn decide(crossing: Crossing, file: File) -> Decision {
        let asked = Asked::new(&file.name, &file.media_type, file.size_bytes);
        let objection =
            SETTINGS.with_borrow(|settings| settings.as_ref()?.object(&crossing, &asked));
        let name: String = file.name.chars().take(NAME_CHARS_MAX).collect();
        match objection {
            None => Decision::Allow,
            Some(Objection::Size(max)) => {
                deny("file-size", format!("{name:?} is larger than {max} bytes"))
            }
            Some(Objection::Type) => deny(
                "file-type",
                format!("{name:?} is not of a type or name that is allowed"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_answered_as_the_file_says() {
        causeway_policy_questions::check(
            include_str!("../questions.jsonl"),
            Files::configure,
            |case| case.ask(Files::decide),
        );
    }

    #[test]
    fn the_schema_is_that_of_the_settings() {
        causeway_policy_questions::check_schema(include_str!("../schema.json"), Files::configure);
    }
}
