//! The chain of policy components: every question goes through the slots in their order.
//!
//! An instance lives for one list of questions, which all concern one connection. So a policy that
//! keeps state cannot carry text from one connection to another, or from one step to the next. The
//! contract requires a fresh instance to answer the same, so nothing is lost; the cost is one
//! instantiation per slot and list. An instance per connection would cost the memory of all of them
//! and would still carry text from channel to channel.

use std::sync::Arc;

use causeway_kernel::boundary::policy::{Gate, Gates, Question, Verdict};

use super::contract::POLICY_FUEL;
use super::inquiry::judge;
use super::link::Link;
use super::shadow::{Shadow, ShadowQueue};
use super::slot::{Slot, Slots};
use super::{OnFailure, PolicyChain};
use super::{
    channel_gate, component_gate, direct_gate, file_gate, member_gate, mention_gate, post_gate,
    profile_gate, reaction_gate,
};

/// Why a question about a message alone cannot be answered.
const MESSAGE_ONLY: &str = "a kernel of an earlier release asks about a post's message alone";

/// Fuel for all questions of one step; questions left when it is used up fail and are asked again
/// later. It lets a chain of sixteen slots that each use a twentieth of a decision's limit judge five
/// posts, and a chain of ordinary slots some thousands.
pub const STEP_POLICY_FUEL: u64 = 4 * POLICY_FUEL;

/// The slots in force.
pub(super) struct ComponentChain {
    links: Vec<Link>,
    digest: String,
    /// The remaining fuel of the step.
    fuel: u64,
    /// Number of the step.
    step: u64,
    /// The shadows that are asked the same.
    shadowed: Option<Shadowed>,
}

/// The shadows of a chain.
struct Shadowed {
    /// The gates at which they are to be asked.
    gates: Gates,
    queue: Arc<ShadowQueue>,
}

impl ComponentChain {
    /// The chain of those slots that are enabled, without shadows.
    pub(super) fn new(slots: &[Arc<Slot>]) -> ComponentChain {
        let enabled = || slots.iter().filter(|slot| slot.info.is_enabled);
        ComponentChain {
            links: enabled().map(Link::new).collect(),
            digest: digest(enabled()),
            fuel: STEP_POLICY_FUEL,
            step: 0,
            shadowed: None,
        }
    }

    /// The chain of those slots that are enabled, which hands over what it is asked to the shadows.
    pub(super) fn with_shadows(slots: &Slots, queue: &Arc<ShadowQueue>) -> ComponentChain {
        let shadows = slots.shadows.iter();
        let gates: Vec<Gates> = shadows.map(Shadow::gates).collect();
        let is_asked = |gate: &Gate| gates.iter().any(|it| it.contains(*gate));
        let shadowed = Shadowed {
            gates: Gate::ALL.into_iter().filter(is_asked).collect(),
            queue: Arc::clone(queue),
        };
        ComponentChain {
            shadowed: Some(shadowed),
            ..ComponentChain::new(&slots.in_force)
        }
    }

    /// The same, whose slots are never suspended.
    pub(super) fn unsuspended(self) -> ComponentChain {
        ComponentChain {
            links: self.links.into_iter().map(Link::unsuspended).collect(),
            ..self
        }
    }

    /// Asks as [`PolicyChain::ask`] does; nothing stands for a question at which the step's fuel is used up.
    pub(super) fn try_ask(&mut self, questions: &[Question<'_>]) -> Vec<Option<Verdict>> {
        let verdicts = questions.iter().map(|it| {
            let verdict = self.judge(it);
            (self.fuel > 0).then_some(verdict)
        });
        let verdicts = verdicts.collect();
        self.links.iter_mut().for_each(Link::end_list);
        verdicts
    }

    fn judge(&mut self, question: &Question<'_>) -> Verdict {
        let (links, fuel) = (&mut self.links[..], &mut self.fuel);
        match question {
            Question::Message(_) => links
                .iter()
                .filter(|link| link.answers(Gate::Post))
                .find_map(|link| link.failed(MESSAGE_ONLY))
                .unwrap_or(Verdict::Allow),
            Question::Post(post) => post_gate::judge(links, fuel, post),
            Question::File(file) => judge(links, fuel, file_gate::inquiry(file)),
            Question::Reaction(it) => judge(links, fuel, reaction_gate::inquiry(it)),
            Question::Member(context) => judge(links, fuel, member_gate::inquiry(context)),
            Question::Profile(it) => judge(links, fuel, profile_gate::inquiry(it)),
            Question::Channel(it) => judge(links, fuel, channel_gate::inquiry(it)),
            Question::Direct(it) => judge(links, fuel, direct_gate::inquiry(it)),
            Question::Mention(it) => mention_gate::judge(links, fuel, it),
            Question::Component(it) => judge(links, fuel, component_gate::inquiry(it)),
        }
    }
}

/// Every field is prefixed with its length, so that no two chains have the same bytes.
fn digest<'a>(slots: impl Iterator<Item = &'a Arc<Slot>>) -> String {
    let mut hasher = blake3::Hasher::new();
    for slot in slots {
        let on_failure = match slot.info.on_failure {
            OnFailure::Hold => "hold",
            OnFailure::Allow => "allow",
        };
        for field in [
            &slot.info.name,
            &slot.info.digest,
            &slot.info.settings,
            on_failure,
        ] {
            hasher.update(&(field.len() as u64).to_be_bytes());
            hasher.update(field.as_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

impl PolicyChain for ComponentChain {
    fn begin_step(&mut self) {
        self.fuel = STEP_POLICY_FUEL;
        self.step = self.step.wrapping_add(1);
    }

    fn fuel_used(&self) -> u64 {
        STEP_POLICY_FUEL.saturating_sub(self.fuel)
    }

    fn ask(&mut self, questions: &[Question<'_>]) -> Vec<Verdict> {
        let verdicts: Vec<Verdict> = questions.iter().map(|it| self.judge(it)).collect();
        self.links.iter_mut().for_each(Link::end_list);
        if let Some(Shadowed { queue, .. }) = &self.shadowed {
            queue.push(&self.digest, self.step, questions, &verdicts);
        }
        verdicts
    }

    fn digest(&self) -> String {
        self.digest.clone()
    }

    fn gates(&self) -> Gates {
        // Future gates, too, are closed to what does not run.
        if self.links.iter().any(|link| link.gates() == Gates::ALL) {
            return Gates::ALL;
        }
        let shadowed = self.shadowed.as_ref();
        let shadowed = shadowed.map_or_else(Gates::default, |it| it.gates);
        let decides = |gate: Gate| self.links.iter().any(|link| link.answers(gate));
        let is_asked = |gate: &Gate| decides(*gate) || shadowed.contains(*gate);
        Gate::ALL.into_iter().filter(is_asked).collect()
    }
}
