//! The gate of integrations' components.

use causeway_kernel::boundary::policy::{ComponentQuestion, Gate};
use causeway_kernel::model::{self, Component};

use super::bindings::v0_3::exports::causeway::policy::component_gate as wit;
use super::context::{author_of, channel_of, crossing_of};
use super::inquiry::{Inquiry, Plain};

/// The question about a component.
pub(super) fn inquiry(it: &ComponentQuestion<'_>) -> impl Inquiry {
    let context = &it.context;
    let crossing = crossing_of(context);
    let asked = wit::Occurrence {
        channel: channel_of(context),
        component: component(&it.component),
        act: if it.is_used {
            wit::Act::Used
        } else {
            wit::Act::Shown
        },
        person: author_of(context),
    };
    Plain::new(Gate::Component, crossing, move |gates, store, crossing| {
        let gate = gates.component_gate.as_ref()?;
        Some(gate.call_decide(store, crossing, &asked))
    })
}

fn component(component: &Component) -> wit::Component {
    match component {
        Component::SlashCommand(trigger) => wit::Component::SlashCommand(trigger.clone()),
        Component::Webhook(id) => wit::Component::Webhook(id.clone()),
        Component::Button(it) => wit::Component::Button(action(it)),
        Component::Menu(it) => wit::Component::Menu(action(it)),
        Component::PostType(kind) => wit::Component::PostType(kind.clone()),
    }
}

fn action(action: &model::Action) -> wit::Action {
    wit::Action {
        id: action.id.clone(),
        label: action.label.clone(),
    }
}
