//! Some hundred seeds, each run twice; a failure prints its story and how to run it again.

use causeway_sim::kernel::native;
use causeway_sim::plan::Plan;
use causeway_sim::run_twice;

/// Deliveries of a seed on average, at least: so that a network on which nothing arrives does not
/// pass for a kernel that breaks nothing.
const DELIVERIES_MIN: u64 = 20;

fn run_seeds(nodes: usize, seeds: std::ops::Range<u64>) {
    let least = DELIVERIES_MIN * (seeds.end - seeds.start);
    let mut deliveries = 0;
    for seed in seeds {
        match run_twice(&Plan::draw(seed, nodes), &native) {
            Ok(summary) => deliveries += summary.deliveries,
            Err(failure) => panic!("{failure}"),
        }
    }
    assert!(deliveries > least, "only {deliveries} deliveries");
}

#[test]
fn two_workspaces_keep_every_promise() {
    run_seeds(2, 0..200);
}

#[test]
fn two_workspaces_keep_every_promise_in_other_worlds() {
    run_seeds(2, 200..400);
}

#[test]
fn a_hub_and_two_others_keep_every_promise() {
    run_seeds(3, 0..60);
}
