//! Some hundred seeds, each run twice; a failure prints its story and how to run it again.

use causeway_sim::kernel::native;
use causeway_sim::plan::Plan;
use causeway_sim::run_twice;

fn run_seeds(seeds: std::ops::Range<u64>) {
    let mut deliveries = 0;
    for seed in seeds {
        match run_twice(&Plan::draw(seed, 2), &native) {
            Ok(summary) => deliveries += summary.deliveries,
            Err(failure) => panic!("{failure}"),
        }
    }
    assert!(deliveries > 5_000, "only {deliveries} deliveries");
}

#[test]
fn seeds_0_to_250_keep_every_promise() {
    run_seeds(0..250);
}

#[test]
fn seeds_250_to_500_keep_every_promise() {
    run_seeds(250..500);
}
