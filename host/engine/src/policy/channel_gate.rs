//! The gate of invitations to channels.

use causeway_kernel::boundary::policy::{ChannelQuestion, Gate};

use super::bindings::v0_3::exports::causeway::policy::channel_gate::Invitation;
use super::context::{channel, crossing, person};
use super::inquiry::{Inquiry, Plain};

/// The question about an invitation.
pub(super) fn inquiry(invitation: &ChannelQuestion<'_>) -> impl Inquiry {
    let passage = &invitation.passage;
    let crossing = crossing(passage);
    let asked = Invitation {
        channel: channel(invitation.id, invitation.name, invitation.audience),
        display_name: invitation.display_name.to_owned(),
        inviter: invitation.inviter.as_ref().map(person),
        is_read_only: invitation.read_only,
    };
    Plain::new(Gate::Channel, crossing, move |gates, store, crossing| {
        let gate = gates.channel_gate.as_ref()?;
        Some(gate.call_decide(store, crossing, &asked))
    })
}
