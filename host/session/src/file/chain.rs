//! The chain of outcomes: one digest over what a row of steps came to, equal for every engine that
//! carries them out alike.

use causeway_engine::journal::{Digest, Digests};
use causeway_engine::runtime::StepEnd;

/// The digests of what came of a step; none when it was stopped.
pub type StepDigests = Option<Digests>;

/// What came of a step, as the chain takes it in.
#[must_use]
pub fn outcome(end: &StepEnd) -> StepDigests {
    match end {
        StepEnd::Done(output) => Some(Digests::of(output)),
        StepEnd::Stopped { .. } => None,
    }
}

/// A digest over outcomes in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeChain(Digest);

impl Default for OutcomeChain {
    fn default() -> OutcomeChain {
        OutcomeChain(Digest::ZERO)
    }
}

impl OutcomeChain {
    /// Takes in what came of a step. Why a step was stopped may hang on the machine, that it was
    /// stopped is recorded.
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

    /// The digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.0
    }
}
