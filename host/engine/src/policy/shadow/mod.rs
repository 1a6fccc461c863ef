//! Shadows: candidates that are asked beside the chain, without effect. What they would change is counted.
//!
//! A shadow stands for "the chain with this candidate in its slot": that whole chain is asked again, so what another
//! policy denies anyway is no disagreement. It happens on a thread of its own, from questions that the chain handed
//! over: the writer pays for the copy of a question and never waits. Nothing that a shadow does can reach a verdict,
//! the journal or the fuel of a step.

mod queue;
mod tally;
mod worker;

use std::sync::Arc;

use causeway_kernel::boundary::policy::Gates;

pub(super) use queue::ShadowQueue;
pub(super) use tally::Tally;
pub use tally::{Disagreement, Outcome, ShadowCounts};

use super::PolicyState;
use super::slot::{Slot, put};

/// Maximum shadows: each asks a whole chain again.
pub const SHADOWS_MAX: usize = 4;

/// A candidate beside the chain.
#[derive(Clone)]
pub(super) struct Shadow {
    pub slot: Arc<Slot>,
    pub tally: Arc<Tally>,
}

/// A shadow, and what it would have changed since the service started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShadowState {
    /// The candidate, and what it answered by itself.
    pub policy: PolicyState,
    /// How the chain with it compares with the chain.
    pub counts: ShadowCounts,
    /// The last disagreements, the latest one last.
    pub last: Vec<Disagreement>,
}

impl Shadow {
    /// The gates at which it is to be asked: none if it does not run, as it has no effect.
    pub(super) fn gates(&self) -> Gates {
        let program = self.slot.program.as_ref();
        program.map_or_else(|_| Gates::default(), |program| program.policy.answers())
    }

    pub(super) fn state(&self) -> ShadowState {
        let (counts, last) = self.tally.read();
        ShadowState {
            policy: self.slot.state(),
            counts,
            last,
        }
    }

    /// The slots of the chain with it. They count for themselves, and the log can tell them from those that decide.
    fn slots(&self, in_force: &[Arc<Slot>]) -> Vec<Arc<Slot>> {
        let mut slots = in_force.to_vec();
        put(&mut slots, Slot::clone(&self.slot));
        let name = &self.slot.info.name;
        let copies = slots.into_iter().map(|slot| {
            let mut slot = Slot::clone(&slot);
            if slot.info.name == *name {
                slot.info.is_enabled = true;
            } else {
                slot.counters = Arc::default();
            }
            slot.info.name.push_str(" (shadow)");
            Arc::new(slot)
        });
        copies.collect()
    }
}
