//! The settings, and what they say about a connection.

use causeway_policy_common::context::Connection;
use causeway_policy_common::{Answer, Answers, Extent, InChannel, Named, NonEmpty, includes};
use serde::Deserialize;

/// Which conversations may cross.
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
}

/// A kind of conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Two people.
    Direct,
    /// A few people.
    Group,
}

impl Settings {
    /// Whether people here and people of a connection may have conversations of a kind in a channel, by its id and name;
    /// each may be empty, as it is not known yet.
    pub fn allow(&self, connection: &Connection, channel: (&str, &str), kind: Kind) -> bool {
        !self.decides_about(kind) || self.answers().allow(connection, channel)
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
            Extent::Some => "some connected workspaces",
            Extent::Most => "most connected workspaces",
            Extent::All => "connected workspaces",
        };
        let what = match (
            self.decides_about(Kind::Direct),
            self.decides_about(Kind::Group),
        ) {
            (true, false) => "Direct messages",
            (false, true) => "Group messages",
            _ => "Direct and group messages",
        };
        vec![format!("{what} with people of {whom} are not allowed.")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_name_no_connection() {
        let rules = |text: &str| {
            let settings: Settings = causeway_policy_common::read(text).unwrap();
            settings.rules()
        };
        let all = "Direct and group messages with people of connected workspaces are not allowed.";
        assert_eq!(rules(""), [all]);
        let most = "Group messages with people of most connected workspaces are not allowed.";
        let settings = r#"{"kinds": ["group"], "connections": {"globex": "allow"}}"#;
        assert_eq!(rules(settings), [most]);
        let settings = r#"{"default": "allow", "connections": {"globex": "deny"}}"#;
        assert!(
            rules(settings)
                .concat()
                .contains("some connected workspaces")
        );
        let settings = r#"{"default": "allow", "channels": {"dd": {"globex": "deny"}}}"#;
        assert!(rules(settings).concat().contains("some"));
        assert!(rules(r#"{"default": "allow"}"#).is_empty());
    }
}
