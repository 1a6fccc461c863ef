//! A failure becomes a story that can be read: few items, the same promise, and no blame on a
//! kernel that is sound.

use causeway_sim::broken::Defect;
use causeway_sim::kernel::native;
use causeway_sim::plan::Plan;
use causeway_sim::run_plan;
use causeway_sim::shrink::{RUNS_MAX, shrink};

/// Defects of different kinds (in what is stored and sent, after a start and a restore, next to a
/// noisy peer, between releases), and the items that are left of their plans, at most: two or more
/// to share a channel, and some to break something.
const DEFECTS: [(Defect, usize); 7] = [
    (Defect::KeepsDeletions, 5),
    (Defect::SkipsDedupe, 5),
    (Defect::SendsAfterUninvite, 5),
    (Defect::ForgetsRounds, 8),
    (Defect::ForgetsRestores, 8),
    (Defect::CannotReadOldRows, 8),
    (Defect::OnePeerHaltsAll, 20),
];

#[test]
fn what_is_left_of_a_failure_is_little_and_breaks_the_same_promise() {
    for (defect, items_max) in DEFECTS {
        let found = (0..80).find_map(|seed| defect.run(seed).err());
        let found = found.unwrap_or_else(|| panic!("{defect:?} is not caught"));
        let checker = found.violation.checker;
        let shrunk = shrink(found, &|plan| defect.run_plan(plan), RUNS_MAX);
        let plan = &shrunk.failure.plan;
        println!("# must catch: {defect:?}\n{}\n{shrunk}", plan.to_text());
        assert!(plan.items.len() <= items_max, "{defect:?}: {shrunk}");
        assert!(plan.items.len() < shrunk.items_before);
        assert!(shrunk.runs < RUNS_MAX, "{defect:?}: {shrunk}");
        let again = Plan::parse(&plan.to_text()).unwrap();
        let failure = defect.run_plan(&again).unwrap_err();
        assert_eq!(failure.violation.checker, checker, "{defect:?}");
        assert_eq!(failure.journals.len(), again.nodes);
        assert!(failure.journals.iter().all(|steps| !steps.is_empty()));
        run_plan(&again, &native).unwrap();
    }
}

#[test]
fn a_failure_is_not_pursued_for_ever() {
    let defect = Defect::KeepsDeletions;
    let found = (0..80).find_map(|seed| defect.run(seed).err()).unwrap();
    let shrunk = shrink(found, &|plan| defect.run_plan(plan), 10);
    assert_eq!(shrunk.runs, 10);
    assert!(!shrunk.failure.plan.items.is_empty());
}
