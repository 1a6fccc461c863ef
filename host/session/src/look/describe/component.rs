//! Components of integrations in words.

use causeway_kernel::model::{Action, Component};

use crate::look::names::{plain, quoted};

/// What a component is, and what it is called.
pub fn named(component: &Component) -> String {
    match component {
        Component::SlashCommand(trigger) => format!("the command /{}", plain(trigger)),
        Component::Webhook(id) => format!("the webhook {}", plain(id)),
        Component::Button(it) => action("button", it),
        Component::Menu(it) => action("menu", it),
        Component::PostType(kind) => format!("the post type {}", plain(kind)),
    }
}

fn action(what: &str, action: &Action) -> String {
    format!(
        "the {what} {} (id {})",
        quoted(&action.label),
        plain(&action.id)
    )
}
