//! The seeds cover everything that can occur: every act, command, input, topic, fault and
//! trouble.

use causeway_sim::coverage::Coverage;
use causeway_sim::kernel::native;
use causeway_sim::mattermost::quirks::Generation;
use causeway_sim::plan::Plan;
use causeway_sim::runner::{cores, run_seeds};
use causeway_sim::watched;
use causeway_sim::world::Watch;

/// What a range of seeds covers, each run once.
fn coverage(seeds: u64, plan: impl Fn(u64) -> Plan + Sync) -> Coverage {
    let judge = |seed| watched(&plan(seed), &native, None, Watch::Judged);
    run_seeds(0..seeds, cores(), &judge, &|_| {})
        .unwrap()
        .coverage
}

#[test]
fn everything_that_can_come_comes() {
    let mut all = coverage(500, |seed| Plan::draw(seed, 2));
    all += &coverage(20, |seed| Plan::draw(seed, 3));
    all += &coverage(10, Plan::draw_noisy);
    // Such servers send many files.
    all += &coverage(20, |seed| Plan::draw_with(seed, 1, &[Generation::Of2021]));
    println!("{all}");
    assert_eq!(all.gaps(), Vec::<String>::new());
}

#[test]
fn what_does_not_come_is_told() {
    let calm = coverage(1, |seed| Plan::quiet(seed, &[]));
    let gaps = calm.gaps();
    assert!(gaps.contains(&"Fault Loss never came".to_string()));
    assert!(gaps.contains(&"Command EditPost never came, not even by Edit".to_string()));
    assert!(!gaps.iter().any(|gap| gap.contains("InviteToChannel")));
}
