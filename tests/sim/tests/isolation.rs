//! A peer receives the same whether its neighbour is quiet or makes noise.

use std::sync::atomic::{AtomicUsize, Ordering};

use causeway_sim::isolation::run_isolated;
use causeway_sim::kernel::native;
use causeway_sim::runner::{cores, run_seeds};

const SEEDS: u64 = 100;

/// Items that a peer and the hub receive from each other in a run on average, at least.
const HEARD_MIN: usize = 10;

#[test]
fn noise_of_a_neighbour_changes_nothing() {
    let heard = AtomicUsize::new(0);
    let judge = |seed| {
        let summary = run_isolated(seed, &native)?;
        heard.fetch_add(summary.heard.len(), Ordering::Relaxed);
        Ok(summary)
    };
    if let Err(failure) = run_seeds(0..SEEDS, cores(), &judge, &|_| {}) {
        panic!("{failure}");
    }
    let heard = heard.into_inner();
    assert!(heard > HEARD_MIN * SEEDS as usize, "{heard}");
}
