//! The gate of direct and group channels.

use causeway_kernel::boundary::policy::{DirectQuestion, Gate};

use super::bindings::v0_3::exports::causeway::policy::direct_gate::Conversation;
use super::context::{crossing, person};
use super::inquiry::{Inquiry, Plain};

/// The question about a direct or group channel.
pub(super) fn inquiry(conversation: &DirectQuestion<'_>) -> impl Inquiry {
    let passage = &conversation.passage;
    let crossing = crossing(passage);
    let asked = Conversation {
        people: conversation.people.iter().map(person).collect(),
        opener: person(&conversation.opener),
        is_group: conversation.is_group,
    };
    Plain::new(Gate::Direct, crossing, move |gates, store, crossing| {
        let gate = gates.direct_gate.as_ref()?;
        Some(gate.call_decide(store, crossing, &asked))
    })
}
