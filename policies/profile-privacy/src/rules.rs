//! Which fields are left out of which profiles.

use causeway_policy_common::context::Crossing;
use causeway_policy_common::{NonEmpty, Way, concerns};
use serde::Deserialize;

/// Maximum sentences about the rules.
const SENTENCES_MAX: usize = 16;

/// The settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    rules: NonEmpty<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    strip: NonEmpty<Field>,
    /// `None` = both.
    direction: Option<Way>,
    /// Ids or names; `None` = all.
    connections: Option<NonEmpty<String>>,
}

/// A field of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The e-mail address.
    Email,
    /// The name to be called by.
    Nickname,
    /// The first name.
    FirstName,
    /// The last name.
    LastName,
    /// The job title.
    Position,
}

impl Settings {
    /// Whether a field is left out at a crossing.
    pub fn strips(&self, field: Field, crossing: &Crossing) -> bool {
        self.rules.iter().any(|rule| {
            concerns(rule.direction, rule.connections.as_ref(), crossing)
                && rule.strip.iter().any(|it| *it == field)
        })
    }

    /// The rules in words.
    pub fn in_words(&self) -> Vec<String> {
        let rules = self.rules.iter().take(SENTENCES_MAX);
        rules.map(Rule::in_words).collect()
    }
}

impl Rule {
    fn in_words(&self) -> String {
        let whom = match self.connections {
            None => "connected workspaces",
            Some(_) => "some connected workspaces",
        };
        let way = match self.direction {
            None => "that are exchanged with",
            Some(Way::Inbound) => "that come from",
            Some(Way::Outbound) => "that go to",
        };
        // Repeated fields would make the sentence longer than it may be.
        let all = [
            Field::Email,
            Field::Nickname,
            Field::FirstName,
            Field::LastName,
            Field::Position,
        ];
        let named = all
            .into_iter()
            .filter(|it| self.strip.iter().any(|named| named == it));
        let fields: Vec<&str> = named.map(Field::in_words).collect();
        format!("Profiles {way} {whom} are without {}.", fields.join(", "))
    }
}

impl Field {
    fn in_words(self) -> &'static str {
        match self {
            Field::Email => "e-mail address",
            Field::Nickname => "nickname",
            Field::FirstName => "first name",
            Field::LastName => "last name",
            Field::Position => "job title",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_in_words_name_no_connection_and_each_field_once() {
        let text = r#"{"rules": [
            {"direction": "outbound", "strip": ["position", "email", "email"]},
            {"connections": ["globex"], "strip": ["first_name"]}
        ]}"#;
        let settings: Settings = causeway_policy_common::read(text).unwrap();
        assert_eq!(
            settings.in_words(),
            [
                "Profiles that go to connected workspaces are without e-mail address, job title.",
                "Profiles that are exchanged with some connected workspaces are without first name.",
            ]
        );
    }
}
