//! Which crossings a setting concerns.

use serde::Deserialize;

use crate::context::{Crossing, Direction};
use crate::settings::NonEmpty;

/// A direction, as settings name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// From connections into this workspace.
    Inbound,
    /// From this workspace to connections.
    Outbound,
}

impl Way {
    /// Whether it is this direction.
    #[must_use]
    pub fn is(self, direction: Direction) -> bool {
        match self {
            Way::Inbound => direction == Direction::Inbound,
            Way::Outbound => direction == Direction::Outbound,
        }
    }
}

/// Whether a setting concerns a crossing: without a direction it concerns both, without connections (ids or
/// names) it concerns all.
#[must_use]
pub fn concerns(
    way: Option<Way>,
    connections: Option<&NonEmpty<String>>,
    crossing: &Crossing,
) -> bool {
    way.is_none_or(|way| way.is(crossing.direction))
        && names(
            connections,
            &crossing.connection.id,
            &crossing.connection.name,
        )
}

/// Whether a list of ids or names is about what has this id and name; no list is about everything.
#[must_use]
pub fn names(listed: Option<&NonEmpty<String>>, id: &str, name: &str) -> bool {
    listed.is_none_or(|listed| listed.iter().any(|it| it == id || it == name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Connection;

    fn listed(names: &[&str]) -> NonEmpty<String> {
        let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
        NonEmpty::try_from(names).unwrap()
    }

    #[test]
    fn a_setting_concerns_the_directions_and_connections_that_it_names() {
        let crossing = Crossing {
            direction: Direction::Outbound,
            connection: Connection {
                id: "cc".into(),
                name: "globex".into(),
            },
            time_ms: 0,
        };
        let concerns = |way, names: Option<&[&str]>| {
            super::concerns(way, names.map(listed).as_ref(), &crossing)
        };
        assert!(concerns(None, None));
        assert!(concerns(Some(Way::Outbound), None));
        assert!(!concerns(Some(Way::Inbound), None));
        assert!(concerns(None, Some(&["initech", "globex"])));
        assert!(concerns(None, Some(&["cc"])));
        assert!(!concerns(None, Some(&["glob", ""])));
        assert!(!concerns(Some(Way::Inbound), Some(&["globex"])));
    }
}
