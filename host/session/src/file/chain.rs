//! The chain of outcomes: one digest of the results of a sequence of steps, equal for every engine
//! that carries them out identically.

use causeway_engine::journal::{Digest, Digests};
use causeway_engine::runtime::StepEnd;

/// The digests of a step's result; `None` if it was stopped.
pub type StepDigests = Option<Digests>;

/// The result of a step, as it enters the chain.
#[must_use]
pub fn outcome(end: &StepEnd) -> StepDigests {
    match end {
        StepEnd::Done(output) => Some(Digests::of(output)),
        StepEnd::Stopped { .. } => None,
    }
}

/// A digest of outcomes, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeChain(Digest);

impl Default for OutcomeChain {
    fn default() -> OutcomeChain {
        OutcomeChain(Digest::ZERO)
    }
}

impl OutcomeChain {
    /// Adds the outcome of a step. Why a step was stopped may depend on the machine, so only the
    /// fact enters the chain.
    pub fn add(&mut self, seq: u64, outcome: &StepDigests) {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0.0);
        hasher.update(&seq.to_le_bytes());
        for digest in outcome
            .iter()
            .flat_map(|it| [it.reply, it.writes, it.effects])
        {
            hasher.update(&digest.0);
        }
        self.0 = Digest(*hasher.finalize().as_bytes());
    }

    /// The digest of the outcomes so far.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.0
    }
}
