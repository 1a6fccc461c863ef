use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Text, texts};
use crate::model::limits::COMPONENT_NAME_BYTES_MAX;

/// What an integration adds to a channel for people to see or use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Component {
    /// A custom slash command, by its trigger without the slash.
    SlashCommand(String),
    /// An incoming webhook, by its id.
    Webhook(String),
    /// A button in a message.
    Button(Action),
    /// A menu in a message.
    Menu(Action),
    /// A post of a type that begins with `custom_`, by this type.
    PostType(String),
}
texts!(enum Component {
    SlashCommand(trigger: Text::Words),
    Webhook(id: Text::Id),
    Button(action),
    Menu(action),
    PostType(kind: Text::Token),
});

/// A button or a menu in a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Its id in the message; empty if there is none.
    pub id: String,
    /// What it is called in the message.
    pub label: String,
}
texts!(
    struct Action {
        id: Text::Words,
        label: Text::Words,
    }
);

impl Component {
    /// The same with names as long as a question may have them.
    #[must_use]
    pub fn bounded(self) -> Component {
        match self {
            Component::SlashCommand(trigger) => Component::SlashCommand(cut(trigger)),
            Component::Webhook(id) => Component::Webhook(cut(id)),
            Component::Button(action) => Component::Button(action.bounded()),
            Component::Menu(action) => Component::Menu(action.bounded()),
            Component::PostType(kind) => Component::PostType(cut(kind)),
        }
    }
}

impl Action {
    fn bounded(self) -> Action {
        Action {
            id: cut(self.id),
            label: cut(self.label),
        }
    }
}

fn cut(mut name: String) -> String {
    name.truncate(name.floor_char_boundary(COMPONENT_NAME_BYTES_MAX));
    name
}

/// A post whose components the policies do not let be shown in its channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HiddenComponents {
    /// Why.
    pub reason: String,
    /// Number of the job that asks again, as a policy failed; `None` = they denied it.
    pub again: Option<u64>,
}
texts!(
    struct HiddenComponents {
        reason: Text::Refusal,
        again,
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_between_characters() {
        let long = "x".to_string() + &"ä".repeat(COMPONENT_NAME_BYTES_MAX);
        let action = Action {
            id: "run".into(),
            label: long,
        };
        let Component::Menu(cut) = Component::Menu(action).bounded() else {
            panic!("still a menu");
        };
        assert_eq!((cut.id.as_str(), cut.label.len()), ("run", 255));
    }
}
