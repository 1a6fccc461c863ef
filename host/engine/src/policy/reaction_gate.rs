//! The gate of reactions and acknowledgements.

use causeway_kernel::boundary::policy::{Gate, ReactionQuestion};

use super::bindings::v0_3::exports::causeway::policy::reaction_gate::{Mark, Reaction};
use super::context::{author_of, channel_of, crossing_of};
use super::inquiry::{Inquiry, Plain};

/// The question about a reaction or an acknowledgement.
pub(super) fn inquiry(reaction: &ReactionQuestion<'_>) -> impl Inquiry {
    let context = &reaction.context;
    let crossing = crossing_of(context);
    let asked = Reaction {
        channel: channel_of(context),
        post_id: reaction.post_id.to_owned(),
        author: author_of(context),
        mark: match reaction.emoji {
            Some(name) => Mark::Emoji(name.to_owned()),
            None => Mark::Acknowledgement,
        },
    };
    Plain::new(Gate::Reaction, crossing, move |gates, store, crossing| {
        let gate = gates.reaction_gate.as_ref()?;
        Some(gate.call_decide(store, crossing, &asked))
    })
}
