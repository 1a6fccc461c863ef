//! What the policies of this workspace share: the types that every question begins with, reading settings,
//! which crossings a setting concerns, and answers with exceptions.

mod answers;
mod scope;
mod settings;

pub use answers::{Answer, Answers, Extent, InChannel, Named};
pub use bindings::causeway::policy::context;
pub use scope::{Way, concerns, names};
pub use settings::{NonEmpty, includes, read};

use context::{Decision, Denial};

/// Maximum bytes of a denial's words.
const TEXT_BYTES_MAX: usize = 1_000;

#[allow(
    unsafe_code,
    missing_docs,
    reason = "generated: calls across the component's boundary are raw pointers"
)]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package causeway:policy-common;

            world types {
                import causeway:policy/context@0.3.1;
            }
        ",
        path: "../../wit/policy",
        world: "causeway:policy-common/types",
        // The tests of policies read questions from files and compare answers.
        additional_derives: [PartialEq, serde::Deserialize, serde::Serialize],
        generate_all,
    });
}

/// A decision against something, for a reason that programs and people understand.
#[must_use]
pub fn deny(code: &str, text: impl Into<String>) -> Decision {
    Decision::Deny(denial(code, text))
}

/// A reason for programs and for people; its words are cut to what the contract permits.
#[must_use]
pub fn denial(code: &str, text: impl Into<String>) -> Denial {
    let mut text = text.into();
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    Denial {
        code: code.to_owned(),
        text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denials_words_are_cut_between_characters() {
        let text = |text: String| denial("x", text).text;
        assert_eq!(text("ab".into()), "ab");
        assert_eq!(text("ä".repeat(600)), "ä".repeat(500));
        assert_eq!(text("x".to_owned() + &"ä".repeat(600)).len(), 999);
    }
}
