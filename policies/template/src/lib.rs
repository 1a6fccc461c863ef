//! A minimal policy, to be copied: it denies posts that leave this workspace and contain a word, which is its
//! setting.
//!
//! | file | what to change |
//! |---|---|
//! | `src/lib.rs` | the world (one per gate in `wit/policy.wit`), the description, the gate's `decide` |
//! | `src/decision.rs` | the decision itself, without anything generated |
//! | `questions.jsonl` | questions and the answers that are expected |
//! | `Cargo.toml` | the name |
//!
//! `cargo test` asks the questions; `cargo run --example component` builds the component.
//! `docs/writing-a-policy.md` tells the rest.

mod decision;

use std::cell::RefCell;

use bindings::causeway::policy::context::{Crossing, Denial, Direction};
use bindings::exports::causeway::policy::policy::{Description, Guest as Policy};
use bindings::exports::causeway::policy::post_gate::{Guest as PostGate, Post, Verdict};

#[allow(unsafe_code, missing_docs, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        world: "post-policy",
        path: "wit",
        // The test reads questions and compares answers.
        additional_derives: [serde::Deserialize, serde::Serialize],
    });

    use super::Template;

    export!(Template);
}

struct Template;

thread_local! {
    /// The settings of this instance.
    static WORD: RefCell<String> = const { RefCell::new(String::new()) };
}

impl Policy for Template {
    fn describe() -> Description {
        Description {
            name: "template".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            // Exactly the gates that the world exports.
            gates: vec!["post-gate".into()],
            // A JSON schema, for settings that are JSON.
            settings_schema: String::new(),
        }
    }

    fn configure(settings: String) -> Result<(), String> {
        let word = settings.trim();
        if word.is_empty() {
            return Err("the settings must be a word".into());
        }
        WORD.set(word.to_owned());
        Ok(())
    }

    fn rules() -> Vec<String> {
        vec!["Posts with a certain word do not leave this workspace.".into()]
    }
}

impl PostGate for Template {
    fn decide(crossing: Crossing, post: Post) -> Verdict {
        if crossing.direction == Direction::Inbound {
            return Verdict::Allow;
        }
        // The message is not all that people see of a post.
        let mut texts = std::iter::once(&post.message).chain(post.texts.iter().map(|it| &it.text));
        let found = WORD.with_borrow(|word| texts.any(|text| decision::contains(text, word)));
        if !found {
            return Verdict::Allow;
        }
        Verdict::Deny(Denial {
            code: "banned-word".into(),
            text: "the post contains a word that may not leave this workspace".into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_answered_as_the_file_says() {
        causeway_policy_questions::check(
            include_str!("../questions.jsonl"),
            Template::configure,
            // With several gates, `match case.gate.as_str()`.
            |case| case.ask(Template::decide),
        );
    }
}
