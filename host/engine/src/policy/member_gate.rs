//! The gate of members of channels.

use causeway_kernel::boundary::policy::{Context, Gate};

use super::bindings::v0_3::exports::causeway::policy::member_gate::Membership;
use super::context::{author_of, channel_of, crossing_of};
use super::inquiry::{Inquiry, Plain};

/// The question about somebody who becomes a member: the context's author.
pub(super) fn inquiry(context: &Context<'_>) -> impl Inquiry {
    let crossing = crossing_of(context);
    let asked = Membership {
        channel: channel_of(context),
        person: author_of(context),
    };
    Plain::new(Gate::Member, crossing, move |gates, store, crossing| {
        let gate = gates.member_gate.as_ref()?;
        Some(gate.call_decide(store, crossing, &asked))
    })
}
