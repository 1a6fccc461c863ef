//! The test of the tester: every kernel with a defect is caught, by the checker whose business it
//! is, within a stated number of seeds.

use causeway_sim::broken::{Broken, Defect};
use causeway_sim::kernel::{Kernel, Release};
use causeway_sim::plan::Plan;
use causeway_sim::run_twice;

/// Seeds within which every defect must be caught.
const SEEDS_MAX: u64 = 40;

#[test]
fn every_defect_is_caught_by_its_own_checker() {
    let mut missed = Vec::new();
    for (defect, checkers) in Defect::ALL {
        let make = |_: Release| -> Box<dyn Kernel> { Box::new(Broken(defect)) };
        let caught = (0..SEEDS_MAX).find_map(|seed| {
            let failure = run_twice(&Plan::draw(seed, 2), &make).err()?;
            Some((seed, failure))
        });
        match caught {
            Some((seed, failure)) if checkers.contains(&failure.violation.checker) => {
                println!("{defect:?}: seed {seed}, {}", failure.violation.checker);
            }
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
