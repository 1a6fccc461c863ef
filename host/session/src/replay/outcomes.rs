//! Collects the outcomes of the steps in order, whichever thread finishes first.

use std::collections::BTreeMap;

use crate::file::chain::{OutcomeChain, StepDigests};

/// The chain of outcomes, up to the first step that is not done.
#[derive(Debug, Default)]
pub struct Outcomes {
    /// Number of steps in the chain, which is the place of the next one.
    pub steps: u64,
    /// The chain.
    pub chain: OutcomeChain,
    /// Steps after one that is not done yet, by the place of the first: their numbers and outcomes.
    waiting: BTreeMap<u64, Vec<(u64, StepDigests)>>,
}

impl Outcomes {
    /// Adds the outcomes of consecutive steps, starting at a place.
    pub fn add(&mut self, first: u64, outcomes: Vec<(u64, StepDigests)>) {
        if outcomes.is_empty() {
            return;
        }
        self.waiting.insert(first, outcomes);
        while let Some(next) = self.waiting.remove(&self.steps) {
            self.steps += next.len() as u64;
            for (seq, outcome) in next {
                self.chain.add(seq, &outcome);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_is_that_of_the_order_and_ends_before_a_gap() {
        let mut expected = OutcomeChain::default();
        (1..=5).for_each(|seq| expected.add(seq, &None));
        let mut outcomes = Outcomes::default();
        outcomes.add(3, vec![(4, None), (5, None)]);
        outcomes.add(9, vec![(10, None)]);
        assert_eq!(outcomes.steps, 0);
        outcomes.add(0, vec![(1, None), (2, None), (3, None)]);
        assert_eq!((outcomes.steps, outcomes.chain), (5, expected));
    }
}
