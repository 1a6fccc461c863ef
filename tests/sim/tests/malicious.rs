//! A malicious peer among workspaces that keep their promises to each other: each seed run twice.

use std::path::Path;
use std::sync::Mutex;

use causeway_sim::broken::Defect;
use causeway_sim::coverage::Counted;
use causeway_sim::kernel::native;
use causeway_sim::malicious::grammar::{Production, Used};
use causeway_sim::oracle;
use causeway_sim::plan::Plan;
use causeway_sim::run_twice;
use causeway_sim::runner::{cores, run_seeds};
use causeway_sim::shrink::explain;

/// Folder for the plans of failures.
const PLANS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/sim");

#[test]
fn a_malicious_peer_harms_nobody_else() {
    let used = Mutex::new(Used::new());
    let judge = |seed| {
        let summary = run_twice(&Plan::draw_all(seed, 2, &[], true), &native)?;
        let mut used = used.lock().unwrap();
        for (production, times) in &summary.used {
            *used.entry(*production).or_default() += times;
        }
        Ok(summary)
    };
    match run_seeds(0..200, cores(), &judge, &|_| {}) {
        Ok(totals) => assert!(
            totals.coverage.of(Counted::Fault, "Stop") > 0,
            "nothing stops"
        ),
        Err(failure) => {
            let judge = |plan: &Plan| run_twice(plan, &native);
            panic!("{}", explain(failure, &judge, Path::new(PLANS)));
        }
    }
    let used = used.into_inner().unwrap();
    for production in Production::ALL.iter().chain(&Production::OF_PINGS) {
        assert!(
            used.contains_key(production),
            "{production:?} is never used"
        );
    }
}

/// Seeds within which a kernel that lets every peer delete must be caught.
const SEEDS_MAX: u64 = 10;

#[test]
fn a_kernel_without_authority_does_not_survive_a_malicious_peer() {
    let make = |release| Defect::DropsAuthority.kernel(release);
    let caught = (0..SEEDS_MAX).find_map(|seed| {
        let plan = Plan::draw_all(seed, 2, &[], true);
        run_twice(&plan, &make).err()
    });
    let checker = caught.map(|failure| failure.violation.checker);
    let expected = [oracle::AUTHORSHIP, oracle::INERT, oracle::ERROR_PATHS];
    assert!(
        checker.is_some_and(|checker| expected.contains(&checker)),
        "{checker:?}"
    );
}
