//! Some hundred seeds, each run twice; a failure prints its story and how to run it again.

use causeway_sim::kernel::native;
use causeway_sim::plan::Plan;
use causeway_sim::run_twice;
use causeway_sim::runner::{cores, run_seeds};

/// Frames of a seed on average, at least: so that a network on which nothing arrives does not pass
/// for a kernel that breaks nothing.
const FRAMES_MIN: u64 = 20;

fn run(nodes: usize, seeds: std::ops::Range<u64>) {
    let least = FRAMES_MIN * (seeds.end - seeds.start);
    let judge = |seed| run_twice(&Plan::draw(seed, nodes), &native);
    match run_seeds(seeds, cores(), &judge, &|_| {}) {
        Ok(totals) => assert!(totals.deliveries.frames > least, "{totals:?}"),
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn two_workspaces_keep_every_promise() {
    run(2, 0..400);
}

#[test]
fn a_hub_and_two_others_keep_every_promise() {
    run(3, 0..120);
}
