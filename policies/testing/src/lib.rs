//! A policy for tests, controlled by its settings. It answers every gate.
//!
//! | settings | behaviour |
//! |---|---|
//! | `allow` | allows |
//! | `deny TEXT` | denies with the code `testing` and the text TEXT |
//! | `append TEXT` | revises: TEXT is appended to a post's message and to every text of its properties; allows others |
//! | `rewrite PATH` | revises a post's text at PATH, even if there is none; allows others |
//! | `strip` | revises: empties all fields of a profile; allows others |
//! | `silence N …` | silences the mentions at these positions, even if there are none; allows others |
//! | `fill TEXT` | revises: TEXT is a profile's new e-mail address, which no policy may fill in; allows others |
//! | `context` | denies; the text is the question |
//! | `trap WORD` | traps if the message or the name is WORD, allows others |
//! | `trap-at N` | traps at the Nth decision of an instance, allows others |
//! | `work N` | does N rounds of work and traps |
//! | `loop` | loops forever |
//! | `grow` | allocates memory forever |
//! | `recurse` | calls itself forever |
//! | `long N` | denies with a text of N bytes |
//! | `count` | denies with the number of decisions of this instance so far |
//! | `smuggle` | hides the words `carry-N` of a message or a name in its memory; denies with those that it found there. It traps or loops if the text says `trap` or `spin`, and takes 8 MiB if it says `swell` |
//! | `log N` | writes N lines to the log and allows |
//! | `at GATE …` | behaves so at GATE, e.g. `at file-gate deny no`; allows at other gates |
//! | `refuse TEXT` | refuses its settings with TEXT |
//! | `trap-configure` | traps while being configured |
//!
//! The name is that of the file, the emoji, the person, the channel, the opener of a conversation, the first mention,
//! or the component (a button or menu has its id); an acknowledgement has none. The settings are also the only sentence of the rules, unless they are empty.

mod behaviour;
mod gates;
mod smuggle;

use bindings::exports::causeway::policy::policy::{Description, Guest as Policy};

#[allow(
    unsafe_code,
    missing_docs,
    reason = "generated: calls across the component's boundary are raw pointers"
)]
mod bindings {
    wit_bindgen::generate!({
        world: "all-gates",
        path: "../../wit/policy",
    });

    use super::Testing;

    export!(Testing);
}

struct Testing;

/// Every gate, by the name of its interface.
const GATES: [&str; 9] = [
    "post-gate",
    "file-gate",
    "reaction-gate",
    "member-gate",
    "profile-gate",
    "channel-gate",
    "direct-gate",
    "mention-gate",
    "component-gate",
];

impl Policy for Testing {
    fn describe() -> Description {
        Description {
            name: "testing".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            gates: GATES.map(String::from).into(),
            settings_schema: String::new(),
        }
    }

    fn configure(settings: String) -> Result<(), String> {
        if let Some(text) = settings.strip_prefix("refuse ") {
            return Err(text.to_owned());
        }
        assert!(settings != "trap-configure", "as the settings say");
        behaviour::configure(settings);
        Ok(())
    }

    fn rules() -> Vec<String> {
        behaviour::settings().into_iter().collect()
    }
}
