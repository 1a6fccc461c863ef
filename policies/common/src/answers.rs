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

/// The exceptions from a default.
#[derive(Clone, Copy, Debug)]
pub struct Exceptions<'s> {
    /// Those for connections.
    pub connections: &'s Named<Answer>,
    /// Those for channels, which come first.
    pub channels: &'s Named<InChannel>,
}

impl Exceptions<'_> {
    /// What applies to a connection in a channel, by its id and name; the most specific answer.
    #[must_use]
    pub fn answer(self, connection: &Connection, (id, name): (&str, &str)) -> Option<Answer> {
        let of = |named: &Named<Answer>| named.get(&connection.id, &connection.name).copied();
        let in_channel = match self.channels.get(id, name) {
            Some(InChannel::Everywhere(answer)) => Some(*answer),
            Some(InChannel::By(connections)) => of(connections),
            None => None,
        };
        in_channel.or_else(|| of(self.connections))
    }

    /// Whether an answer is among them.
    #[must_use]
    pub fn have(self, answer: Answer) -> bool {
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
        let exceptions = Exceptions {
            connections: &connections,
            channels: &channels,
        };
        let answer = |id: &str, name: &str, channel| {
            let connection = Connection {
                id: id.into(),
                name: name.into(),
            };
            exceptions.answer(&connection, channel)
        };
        assert_eq!(answer("g", "globex", ("x", "town")), Some(Answer::Allow));
        assert_eq!(answer("g", "globex", ("x", "lab")), Some(Answer::Deny));
        assert_eq!(answer("g", "globex", ("x", "builds")), Some(Answer::Deny));
        assert_eq!(answer("i", "initech", ("x", "builds")), Some(Answer::Allow));
        assert_eq!(answer("u", "umbrella", ("x", "builds")), None);
        assert_eq!(answer("i", "initech", ("dd", "lab")), Some(Answer::Allow));
        assert!(exceptions.have(Answer::Deny));
        let wrong = crate::read::<Named<InChannel>>(r#"{"lab": "maybe"}"#).unwrap_err();
        assert!(
            wrong.contains("lab") && wrong.contains("\"allow\" or \"deny\""),
            "{wrong}"
        );
    }
}
