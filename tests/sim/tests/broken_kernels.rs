//! Tests of the checkers: every kernel with a defect is caught by the responsible checker,
//! within a stated number of seeds; and every checker catches one.

use std::collections::BTreeSet;

use causeway_sim::broken::Defect;
use causeway_sim::oracle;

/// Seeds within which a defect must be caught.
fn seeds_max(defect: Defect) -> u64 {
    match defect {
        // It shows only where a host is replaced while something is on its way to it.
        Defect::TakesAnyHost => 600,
        _ => 200,
    }
}

#[test]
fn every_defect_is_caught_by_its_own_checker() {
    let mut missed = Vec::new();
    let mut at_work = BTreeSet::new();
    for (defect, checkers) in Defect::ALL {
        let caught = (0..seeds_max(defect)).find_map(|seed| Some((seed, defect.run(seed).err()?)));
        match caught {
            Some((seed, failure)) if checkers.contains(&failure.violation.checker) => {
                println!("{defect:?}: seed {seed}, {}", failure.violation.checker);
                at_work.insert(failure.violation.checker);
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
    let idle = oracle::ALL.iter().filter(|name| !at_work.contains(*name));
    missed.extend(idle.map(|name| format!("{name} catches nothing")));
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
