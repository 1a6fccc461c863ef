//! Settings that allow or deny, with exceptions for connections and channels.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::context::Connection;

/// Whether something is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It is.
    Allow,
    /// It is not.
    #[default]
    Deny,
}

/// Values by the id or the name of a connection or a channel.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Named<T>(BTreeMap<String, T>);

impl<T> Default for Named<T> {
    fn default() -> Named<T> {
        Named(BTreeMap::new())
    }
}

impl<T> Named<T> {
    /// The value for an id, or else for a name.
    #[must_use]
    pub fn get(&self, id: &str, name: &str) -> Option<&T> {
        self.0.get(id).or_else(|| self.0.get(name))
    }
}

/// What applies in a channel.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "it must be \"allow\" or \"deny\", or an object with one of them for each connection"
)]
pub enum InChannel {
    /// The same for all its connections.
    Everywhere(Answer),
    /// Something for these of its connections.
    By(Named<Answer>),
}

/// A default answer with exceptions.
#[derive(Clone, Copy, Debug)]
pub struct Answers<'s> {
    /// What applies without an exception.
    pub default: Answer,
    /// Exceptions for connections.
    pub connections: &'s Named<Answer>,
    /// Exceptions for channels, which come first.
    pub channels: &'s Named<InChannel>,
}

/// Where something is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Nowhere.
    Nowhere,
    /// As an exception.
    Some,
    /// Except where it is allowed.
    Most,
    /// Everywhere.
    All,
}

impl Answers<'_> {
    /// Whether a connection is allowed in a channel, by the channel's id and name: the most specific answer.
    #[must_use]
    pub fn allow(self, connection: &Connection, (id, name): (&str, &str)) -> bool {
        let of = |named: &Named<Answer>| named.get(&connection.id, &connection.name).copied();
        let in_channel = match self.channels.get(id, name) {
            Some(InChannel::Everywhere(answer)) => Some(*answer),
            Some(InChannel::By(connections)) => of(connections),
            None => None,
        };
        let exception = in_channel.or_else(|| of(self.connections));
        exception.unwrap_or(self.default) == Answer::Allow
    }

    /// Where it is denied.
    #[must_use]
    pub fn denied(self) -> Extent {
        match self.default {
            Answer::Deny if self.except(Answer::Allow) => Extent::Most,
            Answer::Deny => Extent::All,
            Answer::Allow if self.except(Answer::Deny) => Extent::Some,
            Answer::Allow => Extent::Nowhere,
        }
    }

    fn except(self, answer: Answer) -> bool {
        let has = |named: &Named<Answer>| named.0.values().any(|it| *it == answer);
        let in_channel = |it: &InChannel| match it {
            InChannel::Everywhere(it) => *it == answer,
            InChannel::By(connections) => has(connections),
        };
        has(self.connections) || self.channels.0.values().any(in_channel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_answer_applies() {
        let connections = r#"{"globex": "allow", "initech": "deny"}"#;
        let channels =
            r#"{"lab": "deny", "builds": {"globex": "deny", "i": "allow"}, "dd": "allow"}"#;
        let connections = crate::read(connections).unwrap();
        let channels = crate::read(channels).unwrap();
        let answers = |default| Answers {
            default,
            connections: &connections,
            channels: &channels,
        };
        // `None` = no exception applies.
        let answer = |id: &str, name: &str, channel| {
            let connection = Connection {
                id: id.into(),
                name: name.into(),
            };
            let by_default = [Answer::Allow, Answer::Deny];
            match by_default.map(|it| answers(it).allow(&connection, channel)) {
                [true, true] => Some(Answer::Allow),
                [false, false] => Some(Answer::Deny),
                found => {
                    assert_eq!(found, [true, false]);
                    None
                }
            }
        };
        assert_eq!(answer("g", "globex", ("x", "town")), Some(Answer::Allow));
        assert_eq!(answer("g", "globex", ("x", "lab")), Some(Answer::Deny));
        assert_eq!(answer("g", "globex", ("x", "builds")), Some(Answer::Deny));
        assert_eq!(answer("i", "initech", ("x", "builds")), Some(Answer::Allow));
        assert_eq!(answer("u", "umbrella", ("x", "builds")), None);
        assert_eq!(answer("i", "initech", ("dd", "lab")), Some(Answer::Allow));
        assert_eq!(answers(Answer::Deny).denied(), Extent::Most);
        assert_eq!(answers(Answer::Allow).denied(), Extent::Some);
        let wrong = crate::read::<Named<InChannel>>(r#"{"lab": "maybe"}"#).unwrap_err();
        assert!(
            wrong.contains("lab") && wrong.contains("\"allow\" or \"deny\""),
            "{wrong}"
        );
    }
}
