//! Servers as they exist, of both generations, among workspaces: each seed run twice.

use std::sync::Mutex;

use causeway_sim::kernel::native;
use causeway_sim::mattermost::quirks::{Generation, Quirk};
use causeway_sim::plan::Plan;
use causeway_sim::run_twice;
use causeway_sim::runner::{cores, run_seeds};
use causeway_sim::world::ForeignSummary;

/// A Causeway tells of renamings before it tells of anybody new: a name that it gives is free.
const UNMET: Quirk = Quirk::RefusesTakenNames;

/// Runs seeds of a population; every quirk of its servers must show, and most of what their users
/// make must be demanded of the hub, else nothing is tested.
fn run(nodes: usize, foreign: &[Generation], seeds: std::ops::Range<u64>) {
    let sum = Mutex::new(ForeignSummary::default());
    let judge = |seed| {
        let summary = run_twice(&Plan::draw_with(seed, nodes, foreign), &native)?;
        let mut sum = sum.lock().unwrap();
        for (quirk, times) in &summary.foreign.shown {
            *sum.shown.entry(*quirk).or_default() += times;
        }
        sum.things += summary.foreign.things;
        sum.due += summary.foreign.due;
        Ok(summary)
    };
    if let Err(failure) = run_seeds(seeds, cores(), &judge, &|_| {}) {
        panic!("{failure}");
    }
    let sum = sum.into_inner().unwrap();
    println!("{sum:?}");
    for generation in foreign {
        for quirk in Quirk::of(*generation)
            .into_iter()
            .filter(|quirk| *quirk != UNMET)
        {
            let times = sum.shown.get(&(*generation, quirk));
            assert!(times.is_some(), "{quirk:?} of {generation:?} never showed");
        }
    }
    assert!(sum.due * 5 > sum.things * 2, "{sum:?}");
}

#[test]
fn a_hub_and_a_server_of_2021() {
    run(1, &[Generation::Of2021], 0..200);
}

#[test]
fn a_hub_and_a_server_of_the_11_line() {
    run(1, &[Generation::Of11], 0..200);
}

#[test]
fn a_hub_another_workspace_and_both_generations() {
    run(2, &[Generation::Of2021, Generation::Of11], 0..150);
}
