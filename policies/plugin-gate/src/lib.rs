//! A policy that decides where components of integrations work in shared channels, and are shown: custom slash
//! commands, incoming webhooks, buttons and menus of messages, posts of types of their own.
//!
//! Its settings are JSON:
//!
//! ```json
//! {
//!   "default": "deny",
//!   "kinds": ["slash-command", "webhook", "button", "menu", "post-type"],
//!   "connections": { "globex": "allow" },
//!   "channels": { "builds": "allow", "lab": { "globex": "deny" } },
//!   "names": ["status"]
//! }
//! ```
//!
//! | field | meaning | without it |
//! |---|---|---|
//! | `default` | `allow` or `deny` | `deny` |
//! | `kinds` | what it decides about; the others pass | all |
//! | `connections` | what applies instead of `default`, by the connection's id or name | no exceptions |
//! | `channels` | what applies instead of both, by the channel's id or name: for all its connections, or for those that are named | no exceptions |
//! | `names` | components that are allowed everywhere: a command by its trigger, a webhook by its id, a button or menu by its id or what it is called, a post by its type | none |
//!
//! What a channel is shared with counts connection by connection: a component works where it is allowed for all of them.
//! Whoever writes a message chooses the names of its buttons and menus.
//!
//! With empty settings no component works in any shared channel: what `EnableSharedChannelsPlugins` does when it is off.
//! The policy is asked while it is on.

mod settings;

use std::cell::RefCell;

use bindings::exports::causeway::policy::component_gate::{
    Component, Guest as ComponentGate, Occurrence,
};
use bindings::exports::causeway::policy::policy::{Description, Guest as Policy};
use causeway_policy_common::context::{Crossing, Decision};
use causeway_policy_common::deny;
use settings::{Kind, Settings};

#[allow(
    unsafe_code,
    missing_docs,
    reason = "generated: calls across the component's boundary are raw pointers"
)]
mod bindings {
    wit_bindgen::generate!({
        world: "component-policy",
        path: "../../wit/policy",
        with: { "causeway:policy/context@0.3.1": causeway_policy_common::context },
        additional_derives: [serde::Deserialize, serde::Serialize],
        generate_all,
    });

    use super::PluginGate;

    export!(PluginGate);
}

struct PluginGate;

thread_local! {
    /// The settings of this instance.
    static SETTINGS: RefCell<Settings> = RefCell::default();
}

impl Policy for PluginGate {
    fn describe() -> Description {
        Description {
            name: "plugin-gate".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            gates: vec!["component-gate".into()],
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

impl ComponentGate for PluginGate {
    fn decide(crossing: Crossing, occurrence: Occurrence) -> Decision {
        let connection = &crossing.connection;
        let (kind, names) = identify(&occurrence.component);
        let allowed = SETTINGS.with_borrow(|settings| {
            settings.are_named(&names) || settings.allow(connection, &occurrence.channel, kind)
        });
        if allowed {
            return Decision::Allow;
        }
        let (code, what) = kind.words();
        let text = format!(
            "{what} do not work in this channel, which is shared with {}",
            connection.name
        );
        deny(code, text)
    }
}

/// The kind of a component, and the names by which settings may mean it.
fn identify(component: &Component) -> (Kind, Vec<&str>) {
    match component {
        Component::SlashCommand(trigger) => (Kind::SlashCommand, vec![trigger]),
        Component::Webhook(id) => (Kind::Webhook, vec![id]),
        Component::Button(action) => (Kind::Button, vec![&action.id, &action.label]),
        Component::Menu(action) => (Kind::Menu, vec![&action.id, &action.label]),
        Component::PostType(kind) => (Kind::PostType, vec![kind]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_answered_as_the_file_says() {
        causeway_policy_questions::check(
            include_str!("../questions.jsonl"),
            PluginGate::configure,
            |case| case.ask(PluginGate::decide),
        );
    }

    #[test]
    fn the_schema_is_that_of_the_settings() {
        causeway_policy_questions::check_schema(
            include_str!("../schema.json"),
            PluginGate::configure,
        );
    }
}
