//! A policy that lets posts, reactions and acknowledgements leave this workspace only at certain hours. What
//! comes in is not its concern.
//!
//! Its settings are JSON:
//!
//! ```json
//! {
//!   "utc_offset_minutes": 60,
//!   "open": [{ "days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "18:00" }],
//!   "connections": ["globex"]
//! }
//! ```
//!
//! | field | meaning | without it |
//! |---|---|---|
//! | `open` | when things may leave; `from` is included, `to` (at most `24:00`) is not. If `to` is earlier than `from`, it is on the following day | refused |
//! | `utc_offset_minutes` | how far its clock is ahead of UTC, −720 to 840; there is no summer time | 0 |
//! | `connections` | the connections that it is about, by id or name | all |
//! | `reactions` | whether reactions and acknowledgements wait as well | `true` |
//!
//! The time is that of the question; a policy has no clock. So nothing happens when the hours begin: a post
//! that was denied is asked about again when it is edited or when the policies change, e.g. because an admin
//! swaps this policy for itself; the author, who is told when posts may leave again, may also write it anew.

mod hours;
mod week;

use std::cell::RefCell;

use bindings::exports::causeway::policy::policy::{Description, Guest as Policy};
use bindings::exports::causeway::policy::post_gate::{Guest as PostGate, Post, Verdict};
use bindings::exports::causeway::policy::reaction_gate::{Guest as ReactionGate, Reaction};
use causeway_policy_common::context::{Crossing, Decision, Denial};
use causeway_policy_common::denial;
use hours::Settings;

#[allow(
    unsafe_code,
    missing_docs,
    reason = "generated: calls across the component's boundary are raw pointers"
)]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package causeway:quiet-hours;

            world quiet-hours {
                include causeway:policy/post-policy@0.3.1;
                include causeway:policy/reaction-policy@0.3.1;
            }
        ",
        path: "../../wit/policy",
        world: "causeway:quiet-hours/quiet-hours",
        with: { "causeway:policy/context@0.3.1": causeway_policy_common::context },
        additional_derives: [serde::Deserialize, serde::Serialize],
        generate_all,
    });

    use super::QuietHours;

    export!(QuietHours);
}

struct QuietHours;

thread_local! {
    /// The settings of this instance.
    static SETTINGS: RefCell<Option<Settings>> = const { RefCell::new(None) };
}

impl Policy for QuietHours {
    fn describe() -> Description {
        Description {
            name: "quiet-hours".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            gates: vec!["post-gate".into(), "reaction-gate".into()],
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

impl PostGate for QuietHours {
    fn decide(crossing: Crossing, _post: Post) -> Verdict {
        denied(&crossing, |_| true).map_or(Verdict::Allow, Verdict::Deny)
    }
}

impl ReactionGate for QuietHours {
    fn decide(crossing: Crossing, _reaction: Reaction) -> Decision {
        denied(&crossing, Settings::hold_reactions).map_or(Decision::Allow, Decision::Deny)
    }
}

/// The denial of what leaves now, if nothing may and the settings are about such things.
fn denied(crossing: &Crossing, is_about: impl FnOnce(&Settings) -> bool) -> Option<Denial> {
    SETTINGS.with_borrow(|settings| {
        let settings = settings.as_ref().filter(|it| is_about(it))?;
        let again = settings.closed_until(crossing)?;
        Some(denial(
            "quiet-hours",
            format!("nothing is sent at this hour; it may be sent again from {again}"),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_answered_as_the_file_says() {
        causeway_policy_questions::check(
            include_str!("../questions.jsonl"),
            QuietHours::configure,
            |case| match case.gate.as_str() {
                "reaction-gate" => case.ask(<QuietHours as ReactionGate>::decide),
                _ => case.ask(<QuietHours as PostGate>::decide),
            },
        );
    }

    #[test]
    fn the_schema_is_that_of_the_settings() {
        causeway_policy_questions::check_schema(
            include_str!("../schema.json"),
            QuietHours::configure,
        );
    }
}
