//! Some hundred seeds, each run twice; a failure prints its shrunk story and how to run it again.

use std::path::Path;

use causeway_sim::kernel::native;
use causeway_sim::plan::Plan;
use causeway_sim::run_twice;
use causeway_sim::runner::{cores, run_seeds};
use causeway_sim::shrink::explain;

/// Frames of a seed on average, at least, so that a network on which nothing arrives does not count
/// as a success.
const FRAMES_MIN: u64 = 20;

/// Folder for the plans of failures.
const PLANS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/sim");

fn run(seeds: std::ops::Range<u64>, draw: impl Fn(u64) -> Plan + Sync) {
    let least = FRAMES_MIN * (seeds.end - seeds.start);
    let judge = |seed| run_twice(&draw(seed), &native);
    match run_seeds(seeds, cores(), &judge, &|_| {}) {
        Ok(totals) => assert!(totals.deliveries.frames > least, "{totals:?}"),
        Err(failure) => {
            let judge = |plan: &Plan| run_twice(plan, &native);
            panic!("{}", explain(failure, &judge, Path::new(PLANS)))
        }
    }
}

#[test]
fn two_workspaces_keep_every_promise() {
    run(0..1_000, |seed| Plan::draw(seed, 2));
}

#[test]
fn a_hub_and_two_others_keep_every_promise() {
    run(0..120, |seed| Plan::draw(seed, 3));
}

#[test]
fn workspaces_that_are_copied_again_and_again_keep_every_promise() {
    run(0..150, Plan::draw_cloned);
}
