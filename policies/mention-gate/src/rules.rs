//! What becomes of mentions.

use causeway_policy_common::context::{Channel, Crossing};
use causeway_policy_common::{NonEmpty, Way, concerns, names};
use serde::Deserialize;

/// Maximum sentences about the rules, without the last one.
const SENTENCES_MAX: usize = 15;

/// The settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    rules: NonEmpty<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// `None` = both.
    direction: Option<Way>,
    /// Ids or names; `None` = all.
    connections: Option<NonEmpty<String>>,
    /// Ids or names; `None` = all.
    channels: Option<NonEmpty<String>>,
    everybody: Option<Action>,
    people: Option<Action>,
}

/// What becomes of a mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It passes.
    Allow,
    /// It notifies nobody.
    Silence,
    /// The post stays.
    Deny,
}

/// Whom a mention addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Everybody in the channel.
    Everybody,
    /// Somebody.
    Person,
}

impl Settings {
    /// Reads settings.
    ///
    /// # Errors
    /// What is wrong with which field.
    pub fn read(text: &str) -> Result<Settings, String> {
        let settings: Settings = causeway_policy_common::read(text)?;
        for (number, rule) in settings.rules.iter().enumerate() {
            if rule.everybody.is_none() && rule.people.is_none() {
                return Err(format!(
                    "rules[{number}]: a rule must have everybody or people"
                ));
            }
        }
        Ok(settings)
    }

    /// What becomes of a mention of a kind in a channel.
    pub fn action(&self, kind: Kind, crossing: &Crossing, channel: &Channel) -> Action {
        let mut rules = self
            .rules
            .iter()
            .filter(|rule| rule.concerns(crossing, channel));
        rules
            .find_map(|rule| rule.action(kind))
            .unwrap_or(Action::Allow)
    }

    /// The rules in words.
    pub fn in_words(&self) -> Vec<String> {
        let rules = self.rules.iter().take(SENTENCES_MAX);
        let mut sentences: Vec<String> = rules.map(Rule::in_words).collect();
        if sentences.len() > 1 {
            sentences
                .push("For each mention the first of these rules that is about it decides.".into());
        }
        sentences
    }
}

impl Rule {
    fn concerns(&self, crossing: &Crossing, channel: &Channel) -> bool {
        concerns(self.direction, self.connections.as_ref(), crossing)
            && names(self.channels.as_ref(), &channel.id, &channel.name)
    }

    fn action(&self, kind: Kind) -> Option<Action> {
        match kind {
            Kind::Everybody => self.everybody,
            Kind::Person => self.people,
        }
    }

    fn in_words(&self) -> String {
        let way = match self.direction {
            None => "that are exchanged with",
            Some(Way::Inbound) => "that come from",
            Some(Way::Outbound) => "that go to",
        };
        let whom = match self.connections {
            None => "connected workspaces",
            Some(_) => "some connected workspaces",
        };
        let channels = match self.channels {
            None => "",
            Some(_) => " in some channels",
        };
        let kinds = [("everybody", self.everybody), ("people", self.people)];
        let mentions = kinds.into_iter().filter_map(|(of, action)| {
            let becomes = match action? {
                Action::Allow => "pass",
                Action::Silence => "notify nobody",
                Action::Deny => "keep the message back",
            };
            Some(format!("mentions of {of} {becomes}"))
        });
        let mentions: Vec<String> = mentions.collect();
        let mentions = mentions.join(", ");
        format!("In messages {way} {whom}{channels}: {mentions}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_in_words_name_no_connection_and_no_channel() {
        let text = r#"{"rules": [
            {"channels": ["incidents"], "everybody": "allow"},
            {"direction": "inbound", "connections": ["globex"], "everybody": "silence", "people": "deny"}
        ]}"#;
        assert_eq!(
            Settings::read(text).unwrap().in_words(),
            [
                "In messages that are exchanged with connected workspaces in some channels: mentions of everybody pass.",
                "In messages that come from some connected workspaces: mentions of everybody notify nobody, mentions of people keep the message back.",
                "For each mention the first of these rules that is about it decides.",
            ]
        );
        let rule = r#"{"everybody": "deny"}"#;
        let one = Settings::read(&format!("{{\"rules\": [{rule}]}}")).unwrap();
        assert_eq!(one.in_words().len(), 1);
        let many = vec![rule; 40].join(",");
        let many = Settings::read(&format!("{{\"rules\": [{many}]}}")).unwrap();
        assert_eq!(many.in_words().len(), 16);
    }
}
