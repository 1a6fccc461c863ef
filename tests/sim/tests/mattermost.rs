//! Models of real servers, of both generations, among workspaces: each seed run twice.

use std::path::Path;
use std::sync::Mutex;

use causeway_sim::coverage::Counted;
use causeway_sim::kernel::{Kernel, native};
use causeway_sim::mattermost::broken::{Broken, Defect};
use causeway_sim::mattermost::quirks::{Generation, Quirk};
use causeway_sim::oracle;
use causeway_sim::plan::Plan;
use causeway_sim::run_twice;
use causeway_sim::runner::{cores, run_seeds};
use causeway_sim::shrink::explain;
use causeway_sim::world::ForeignSummary;

/// Folder for the plans of failures.
const PLANS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/sim");

/// Quirks that a Causeway gives no occasion for: it sends renamings before new users, so
/// that the names that it gives are free; it changes only what it may change; and it names only files
/// that have arrived.
const UNMET: [Quirk; 3] = [
    Quirk::RefusesTakenNames,
    Quirk::ChecksNoOwnership,
    Quirk::DropsMissingFiles,
];

/// Runs seeds of a population. Part of what the servers' users make must be required of the hub,
/// otherwise nothing is tested.
fn run(nodes: usize, foreign: &[Generation], seeds: std::ops::Range<u64>) -> ForeignSummary {
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
    match run_seeds(seeds, cores(), &judge, &|_| {}) {
        Ok(totals) => assert!(
            totals.coverage.of(Counted::Fault, "Stop") > 0,
            "nothing stops"
        ),
        Err(failure) => {
            let judge = |plan: &Plan| run_twice(plan, &native);
            panic!("{}", explain(failure, &judge, Path::new(PLANS)));
        }
    }
    let sum = sum.into_inner().unwrap();
    assert!(sum.due * 4 > sum.things, "{sum:?}");
    sum
}

/// Seeds of a hub and a server of one generation.
const SEEDS: u64 = 200;
/// Seeds within which every quirk must show: for some, users have to change their minds twice, with
/// a round in between.
const SEEDS_OF_SELDOM_QUIRKS: u64 = 20 * SEEDS;

/// Runs seeds until every quirk of the generation has shown.
fn meets_every_quirk(generation: Generation) {
    let mut missing: Vec<Quirk> = Quirk::of(generation);
    missing.retain(|quirk| !UNMET.contains(quirk));
    for first in (0..SEEDS_OF_SELDOM_QUIRKS).step_by(SEEDS as usize) {
        let sum = run(1, &[generation], first..first + SEEDS);
        missing.retain(|quirk| !sum.shown.contains_key(&(generation, *quirk)));
        if missing.is_empty() {
            return;
        }
    }
    panic!("{missing:?} of {generation:?} never showed");
}

#[test]
fn a_hub_and_a_server_of_2021() {
    meets_every_quirk(Generation::Of2021);
}

#[test]
fn a_hub_and_a_server_of_the_11_line() {
    meets_every_quirk(Generation::Of11);
}

#[test]
fn a_hub_another_workspace_and_both_generations() {
    run(2, &[Generation::Of2021, Generation::Of11], 0..150);
}

/// Seeds within which every defect must be caught.
const SEEDS_MAX: u64 = 240;

#[test]
fn a_hub_that_loses_what_stops_it_is_caught_by_such_servers() {
    let flaw = causeway_sim::broken::Defect::LosesStoppedFrames;
    for generation in [Generation::Of2021, Generation::Of11] {
        let caught = (0..SEEDS_MAX).find_map(|seed| {
            let plan = Plan::draw_with(seed, 1, &[generation]);
            flaw.run_plan(&plan).err()
        });
        let checker = caught.map(|failure| failure.violation.checker);
        let expected = [oracle::NO_LOSS, oracle::CONVERGENCE, oracle::IDEMPOTENCE];
        assert!(
            checker.is_some_and(|checker| expected.contains(&checker)),
            "{generation:?}: {checker:?}"
        );
    }
}

#[test]
fn every_defect_that_only_such_servers_reveal_is_caught() {
    let mut missed = Vec::new();
    for (defect, generation, checkers) in Defect::ALL {
        let make = |_| -> Box<dyn Kernel> { Box::new(Broken(defect)) };
        let caught = (0..SEEDS_MAX).find_map(|seed| {
            let plan = Plan::draw_with(seed, 1, &[generation]);
            let failure = run_twice(&plan, &make).err()?;
            Some((seed, failure))
        });
        match caught {
            Some((_, failure)) if checkers.contains(&failure.violation.checker) => {}
            Some((seed, failure)) => {
                missed.push(format!(
                    "{defect:?}: seed {seed}, but {}",
                    failure.violation
                ));
            }
            None => missed.push(format!("{defect:?}: not caught")),
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
