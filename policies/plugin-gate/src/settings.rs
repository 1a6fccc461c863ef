//! The settings, and what they say about a component.

use causeway_policy_common::context::{Channel, Connection};
use causeway_policy_common::{Answer, Answers, Extent, InChannel, Named, NonEmpty, includes};
use serde::Deserialize;

/// Which components work where.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    #[serde(default)]
    default: Answer,
    /// `None` = all.
    kinds: Option<NonEmpty<Kind>>,
    #[serde(default)]
    connections: Named<Answer>,
    #[serde(default)]
    channels: Named<InChannel>,
    /// Components that are allowed everywhere.
    names: Option<NonEmpty<String>>,
}

/// A kind of component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A custom slash command.
    SlashCommand,
    /// An incoming webhook.
    Webhook,
    /// A button in a message.
    Button,
    /// A menu in a message.
    Menu,
    /// A post of a type of its own.
    PostType,
}

impl Kind {
    const ALL: [Kind; 5] = [
        Kind::SlashCommand,
        Kind::Webhook,
        Kind::Button,
        Kind::Menu,
        Kind::PostType,
    ];

    /// Its code in a denial, and several of the kind in words.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Kind::SlashCommand => ("slash-command", "custom slash commands"),
            Kind::Webhook => ("webhook", "incoming webhooks"),
            Kind::Button => ("button", "buttons of messages"),
            Kind::Menu => ("menu", "menus of messages"),
            Kind::PostType => ("post-type", "posts of custom types"),
        }
    }
}

impl Settings {
    /// Whether components of a kind may work in a channel that is shared with a connection.
    pub fn allow(&self, connection: &Connection, channel: &Channel, kind: Kind) -> bool {
        let channel = (&*channel.id, &*channel.name);
        !self.decides_about(kind) || self.answers().allow(connection, channel)
    }

    /// Whether one of a component's names is allowed everywhere.
    pub fn are_named(&self, names: &[&str]) -> bool {
        let mut allowed = self.names.iter().flat_map(NonEmpty::iter);
        allowed.any(|it| names.contains(&it.as_str()))
    }

    fn answers(&self) -> Answers<'_> {
        Answers {
            default: self.default,
            connections: &self.connections,
            channels: &self.channels,
        }
    }

    fn decides_about(&self, kind: Kind) -> bool {
        includes(self.kinds.as_ref(), &kind)
    }

    /// What is held back, in words.
    pub fn rules(&self) -> Vec<String> {
        let whom = match self.answers().denied() {
            Extent::Nowhere => return Vec::new(),
            Extent::Some => "some",
            Extent::Most => "most",
            Extent::All => "all",
        };
        let kinds = Kind::ALL
            .into_iter()
            .filter(|kind| self.decides_about(*kind));
        let kinds: Vec<&str> = kinds.map(|kind| kind.words().1).collect();
        let but = match self.names {
            Some(_) => ", except for certain ones",
            None => "",
        };
        vec![format!(
            "In {whom} channels that are shared with other workspaces, these do not work: {}{but}.",
            kinds.join(", ")
        )]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_name_no_connection_and_no_component() {
        let rules = |text: &str| {
            let settings: Settings = causeway_policy_common::read(text).unwrap();
            settings.rules()
        };
        let all = rules("").concat();
        assert!(all.starts_with("In all channels"), "{all}");
        assert!(all.contains("incoming webhooks, buttons"), "{all}");
        let settings =
            r#"{"kinds": ["menu"], "channels": {"lab": {"globex": "allow"}}, "names": ["env"]}"#;
        assert_eq!(
            rules(settings),
            [
                "In most channels that are shared with other workspaces, these do not work: menus of \
                 messages, except for certain ones."
            ]
        );
        let some = rules(r#"{"default": "allow", "connections": {"globex": "deny"}}"#).concat();
        assert!(some.starts_with("In some channels"), "{some}");
        assert!(rules(r#"{"default": "allow"}"#).is_empty());
    }
}
