//! Fair scheduling by cost: the source with the lowest cost so far comes next.

use std::collections::BTreeMap;

/// The cost incurred by each source. A source that was idle starts at the level of the others: it
/// cannot save up turns, and a pause does not cancel its debt.
pub struct Ledger<K> {
    /// Costs of the sources above `floor`.
    costs: BTreeMap<K, u64>,
    /// The cost of the source chosen last, at that time; it never falls.
    floor: u64,
}

impl<K> Default for Ledger<K> {
    fn default() -> Ledger<K> {
        Ledger {
            costs: BTreeMap::new(),
            floor: 0,
        }
    }
}

impl<K: Ord + Copy> Ledger<K> {
    /// Chooses the next of the waiting sources; if costs are equal, the first.
    pub fn choose(&mut self, waiting: impl Iterator<Item = K>) -> Option<K> {
        let (cost, next) = waiting.map(|who| (self.cost(who), who)).min()?;
        self.floor = cost;
        self.costs.retain(|_, it| *it > cost);
        Some(next)
    }

    /// Charges the cost of a turn.
    pub fn charge(&mut self, who: K, cost: u64) {
        let sum = self.cost(who).saturating_add(cost);
        self.costs.insert(who, sum);
    }

    fn cost(&self, who: K) -> u64 {
        self.costs.get(&who).copied().unwrap_or(0).max(self.floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns of three sources that always wait and cost this much per turn.
    fn turns(costs: [u64; 3], number: usize) -> [usize; 3] {
        let mut ledger = Ledger::default();
        let mut turns = [0; 3];
        for _ in 0..number {
            let next = ledger.choose(0..3).unwrap();
            turns[next] += 1;
            ledger.charge(next, costs[next]);
        }
        turns
    }

    #[test]
    fn turns_are_shared_by_cost() {
        assert_eq!(turns([1, 1, 1], 30), [10, 10, 10]);
        assert_eq!(turns([1, 1, 100], 204), [101, 101, 2]);
    }

    #[test]
    fn who_was_idle_has_saved_nothing_up_and_owes_what_it_owed() {
        let mut ledger = Ledger::default();
        ledger.charge('a', 1_000);
        for _ in 0..500 {
            assert_eq!(ledger.choose(['b'].into_iter()), Some('b'));
            ledger.charge('b', 1);
        }
        assert_eq!(ledger.choose(['a', 'b'].into_iter()), Some('b'));
        ledger.charge('b', 10_000);
        assert_eq!(ledger.choose(['a', 'b', 'c'].into_iter()), Some('c'));
        ledger.charge('c', 400);
        // Behind `a`, not four thousand turns ahead of it.
        assert_eq!(ledger.choose(['a', 'c'].into_iter()), Some('c'));
        ledger.charge('c', 200);
        assert_eq!(ledger.choose(['a', 'c'].into_iter()), Some('a'));
    }

    #[test]
    fn costs_that_no_longer_matter_are_forgotten() {
        let mut ledger = Ledger::default();
        for who in 0..1_000 {
            assert_eq!(ledger.choose([who].into_iter()), Some(who));
            ledger.charge(who, 5);
        }
        assert!(ledger.costs.len() <= 1_000);
        ledger.charge(0, 100);
        ledger.choose([0].into_iter());
        assert!(ledger.costs.is_empty());
    }
}
