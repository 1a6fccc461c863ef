//! A policy that decides whether people may talk to each other directly across a connection: whether such
//! channels are opened, and whether posts cross in those that exist.
//!
//! Its settings are JSON:
//!
//! ```json
//! {
//!   "default": "deny",
//!   "kinds": ["direct", "group"],
//!   "connections": { "globex": "allow" },
//!   "channels": { "fukqdwm8tp8k5gfpcknmbmg6jr": { "globex": "deny" } }
//! }
//! ```
//!
//! | field | meaning | without it |
//! |---|---|---|
//! | `default` | `allow` or `deny` | `deny` |
//! | `kinds` | what it decides about: `direct` (two people), `group` (a few); the other passes | both |
//! | `connections` | what applies instead of `default`, by the connection's id or name | no exceptions |
//! | `channels` | what applies instead of both, by the channel's id or name: for all its connections, or for those that are named | no exceptions |
//!
//! The name of a channel of two people consists of their ids, in order, with `__` between them. That of a group channel
//! does not tell its people, so before it exists only the connections and the default say whether it may be opened.
//!
//! With empty settings no direct or group channel is opened across a connection, and no message crosses in those that
//! exist, as while `EnableSharedChannelsDMs` is off. That flag also refuses to take what somebody here writes in such a
//! channel; under this policy it stays here, its author is told, and it crosses once it is allowed. The policy is asked
//! while the flag is on.

mod settings;

use std::cell::RefCell;

use bindings::exports::causeway::policy::direct_gate::{Conversation, Guest as DirectGate};
use bindings::exports::causeway::policy::policy::{Description, Guest as Policy};
use bindings::exports::causeway::policy::post_gate::{Guest as PostGate, Post, Verdict};
use causeway_policy_common::context::{ChannelKind, Connection, Crossing, Decision, Denial};
use causeway_policy_common::denial;
use settings::{Kind, Settings};

#[allow(
    unsafe_code,
    missing_docs,
    reason = "generated: calls across the component's boundary are raw pointers"
)]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package causeway:dm-gate;

            world dm-gate {
                include causeway:policy/direct-policy@0.3.1;
                include causeway:policy/post-policy@0.3.1;
            }
        ",
        path: "../../wit/policy",
        world: "causeway:dm-gate/dm-gate",
        with: { "causeway:policy/context@0.3.1": causeway_policy_common::context },
        additional_derives: [serde::Deserialize, serde::Serialize],
        generate_all,
    });

    use super::DmGate;

    export!(DmGate);
}

struct DmGate;

thread_local! {
    /// The settings of this instance.
    static SETTINGS: RefCell<Settings> = RefCell::default();
}

impl Policy for DmGate {
    fn describe() -> Description {
        Description {
            name: "dm-gate".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            gates: vec!["direct-gate".into(), "post-gate".into()],
            settings_schema: include_str!("../schema.json").into(),
        }
    }

    fn configure(settings: String) -> Result<(), String> {
        SETTINGS.set(causeway_policy_common::read(&settings)?);
        Ok(())
    }

    fn rules() -> Vec<String> {
        SETTINGS.with_borrow(Settings::rules)
    }
}

impl DirectGate for DmGate {
    fn decide(crossing: Crossing, conversation: Conversation) -> Decision {
        let kind = if conversation.is_group {
            Kind::Group
        } else {
            Kind::Direct
        };
        let name = name_of(&conversation);
        denied(&crossing.connection, ("", &name), kind).map_or(Decision::Allow, Decision::Deny)
    }
}

impl PostGate for DmGate {
    fn decide(crossing: Crossing, post: Post) -> Verdict {
        let kind = match post.channel.kind {
            ChannelKind::Direct => Kind::Direct,
            ChannelKind::Group => Kind::Group,
            ChannelKind::Open | ChannelKind::Private => return Verdict::Allow,
        };
        let channel = (post.channel.id.as_str(), post.channel.name.as_str());
        denied(&crossing.connection, channel, kind).map_or(Verdict::Allow, Verdict::Deny)
    }
}

/// The name of the channel of two people; empty for a group channel.
fn name_of(conversation: &Conversation) -> String {
    let mut ids: Vec<&str> = conversation
        .people
        .iter()
        .map(|it| it.id.as_str())
        .collect();
    ids.sort_unstable();
    if conversation.is_group || ids.len() != 2 {
        return String::new();
    }
    ids.join("__")
}

/// The denial of conversations of a kind with people of a connection, if they are not allowed.
fn denied(connection: &Connection, channel: (&str, &str), kind: Kind) -> Option<Denial> {
    let allowed = SETTINGS.with_borrow(|settings| settings.allow(connection, channel, kind));
    let (code, what) = match kind {
        Kind::Direct => ("direct-messages", "direct messages"),
        Kind::Group => ("group-messages", "group messages"),
    };
    let text = || format!("{what} with people of {} are not allowed", connection.name);
    (!allowed).then(|| denial(code, text()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_answered_as_the_file_says() {
        causeway_policy_questions::check(
            include_str!("../questions.jsonl"),
            DmGate::configure,
            |case| match case.gate.as_str() {
                "direct-gate" => case.ask(<DmGate as DirectGate>::decide),
                _ => case.ask(<DmGate as PostGate>::decide),
            },
        );
    }

    #[test]
    fn the_schema_is_that_of_the_settings() {
        causeway_policy_questions::check_schema(include_str!("../schema.json"), DmGate::configure);
    }
}
