//! A policy that decides whom a message may notify on the other side of a connection: everybody in the channel
//! (`@channel`, `@all`, `@here`), or single people.
//!
//! Its settings are JSON:
//!
//! ```json
//! {
//!   "rules": [
//!     { "channels": ["incidents"], "everybody": "allow" },
//!     { "everybody": "silence" },
//!     { "direction": "inbound", "connections": ["globex"], "people": "deny" }
//!   ]
//! }
//! ```
//!
//! | field of a rule | meaning | without it |
//! |---|---|---|
//! | `direction` | `inbound` or `outbound` | both |
//! | `connections` | the connections that it is about, by id or name | all |
//! | `channels` | the channels that it is about, by id or name | all |
//! | `everybody` | what becomes of mentions of everybody | a later rule decides |
//! | `people` | what becomes of mentions of people | a later rule decides |
//!
//! `allow` lets a mention pass. `silence` leaves out its `@`: the message crosses, and the mention is a plain word over
//! there that notifies nobody. `deny` keeps the whole message back. For each mention the first rule decides that is
//! about its channel and crossing and says something of its kind; without one it passes. So exceptions go first.
//!
//! Outbound, a name that nobody here has counts as that of a person, as somebody over there may have it.

mod rules;

use std::cell::RefCell;

use bindings::exports::causeway::policy::mention_gate::{
    Addressee, Guest as MentionGate, Mention, Post, Verdict,
};
use bindings::exports::causeway::policy::policy::{Description, Guest as Policy};
use causeway_policy_common::context::{Crossing, Denial};
use causeway_policy_common::denial;
use rules::{Action, Kind, Settings};

#[allow(
    unsafe_code,
    missing_docs,
    reason = "generated: calls across the component's boundary are raw pointers"
)]
mod bindings {
    wit_bindgen::generate!({
        world: "mention-policy",
        path: "../../wit/policy",
        with: { "causeway:policy/context@0.3.1": causeway_policy_common::context },
        additional_derives: [serde::Deserialize, serde::Serialize],
        generate_all,
    });

    use super::Mentions;

    export!(Mentions);
}

struct Mentions;

thread_local! {
    /// The settings of this instance.
    static SETTINGS: RefCell<Option<Settings>> = const { RefCell::new(None) };
}

impl Policy for Mentions {
    fn describe() -> Description {
        Description {
            name: "mention-gate".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            gates: vec!["mention-gate".into()],
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

impl MentionGate for Mentions {
    fn decide(crossing: Crossing, post: Post) -> Verdict {
        SETTINGS.with_borrow(|settings| match settings {
            Some(settings) => decide(settings, &crossing, &post),
            None => Verdict::Allow,
        })
    }
}

fn decide(settings: &Settings, crossing: &Crossing, post: &Post) -> Verdict {
    let mut silenced = Vec::new();
    for (at, mention) in (0..).zip(&post.mentions) {
        let kind = match mention.whom {
            Addressee::Everybody => Kind::Everybody,
            Addressee::Somebody(_) | Addressee::Unknown => Kind::Person,
        };
        match settings.action(kind, crossing, &post.channel) {
            Action::Allow => {}
            Action::Silence => silenced.push(at),
            Action::Deny => return Verdict::Deny(objection(kind, mention)),
        }
    }
    if silenced.is_empty() {
        Verdict::Allow
    } else {
        Verdict::Silence(silenced)
    }
}

fn objection(kind: Kind, mention: &Mention) -> Denial {
    let name = &mention.name;
    match kind {
        Kind::Everybody => denial(
            "mentions-everybody",
            format!("everybody on the other side may not be notified; leave out @{name}"),
        ),
        Kind::Person => denial(
            "mentions-somebody",
            format!("people on the other side may not be notified; leave out @{name}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_answered_as_the_file_says() {
        causeway_policy_questions::check(
            include_str!("../questions.jsonl"),
            Mentions::configure,
            |case| case.ask(Mentions::decide),
        );
    }

    #[test]
    fn the_schema_is_that_of_the_settings() {
        causeway_policy_questions::check_schema(
            include_str!("../schema.json"),
            Mentions::configure,
        );
    }
}
