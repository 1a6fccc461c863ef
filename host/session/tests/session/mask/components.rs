//! The chapter about integrations' components in a shared channel, which a policy hides or refuses.

use causeway_kernel::boundary::output::Reply;
use causeway_kernel::command::{Command, ConfigureConnectedWorkspaces, UseComponent};
use causeway_kernel::model::{Action, Component, ConnectedWorkspaces};

use super::chapters::LOUNGE;
use super::story::{self, FIRST, OPERATOR, Story};

/// Posts show components, and somebody uses some.
pub fn use_some(story: &mut Story) {
    let settings = ConnectedWorkspaces {
        plugins: true,
        ..ConnectedWorkspaces::default()
    };
    let switch = ConfigureConnectedWorkspaces { settings };
    story.act(0, OPERATOR, Command::ConfigureConnectedWorkspaces(switch));
    for label in ["Wonderful", "rosebud"] {
        let props = format!(
            r#"{{"attachments":[{{"text":"marmalade","actions":[{{"id":"wonderful","name":"{label}"}}]}}]}}"#
        );
        story.act(0, FIRST, story::post(LOUNGE, None, "press it", &props));
    }
    for label in ["Wonderful", "rosebud"] {
        let component = Component::Button(Action {
            id: "wonderful".into(),
            label: label.into(),
        });
        let reply = story.act(
            0,
            FIRST,
            Command::UseComponent(UseComponent {
                channel: LOUNGE,
                component,
            }),
        );
        assert_eq!(reply == Reply::Done, label == "Wonderful", "{reply:?}");
    }
}
