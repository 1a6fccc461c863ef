//! A failure is shrunk to a readable story: nothing in it could be left out, the subject of the failure
//! is in it, it breaks the same promise, and it does not blame a correct kernel.

use causeway_sim::broken::Defect;
use causeway_sim::faults::Faults;
use causeway_sim::kernel::native;
use causeway_sim::oracle::Violation;
use causeway_sim::plan::Plan;
use causeway_sim::run_plan;
use causeway_sim::shrink::{RUNS_MAX, shrink};

/// Defects of different kinds (in what is stored and sent, after a start and a restore, next to a
/// noisy peer, between releases), and words of which one must be in the text of the shrunk plan:
/// the defect cannot show without it.
const DEFECTS: [(Defect, &[&str]); 7] = [
    (Defect::KeepsDeletions, &["Delete", "Moderate"]),
    // The message that its maker joined a channel is a post, too.
    (Defect::SkipsDedupe, &["CreateChannel"]),
    (Defect::SendsAfterUninvite, &["Uninvite"]),
    // What a start forgets; a copy is started, too.
    (Defect::ForgetsRounds, &["fault crash", "Restore", "Clone"]),
    // Here, too, a message that somebody joined is enough.
    (Defect::ForgetsRestores, &["Post", "Reply", "Attach"]),
    (Defect::CannotReadOldRows, &["Upgrade"]),
    (Defect::OnePeerHaltsAll, &["noisy 2"]),
];

/// What a plan breaks with a defect.
fn broken(defect: Defect, plan: &Plan) -> Option<Violation> {
    defect.run_plan(plan).err().map(|failure| failure.violation)
}

/// All plans without one part of a plan: an item, or a fault.
fn lesser(plan: &Plan) -> impl Iterator<Item = Plan> {
    let without_item = (0..plan.items.len()).map(|at| {
        let mut less = plan.clone();
        less.items.remove(at);
        less
    });
    let rates = Faults::none().rates().into_iter();
    let without_fault = rates.filter_map(|(name, none)| {
        let faults = plan.faults.with_rate(&name, none)?;
        let is_less = faults != plan.faults;
        is_less.then(|| Plan {
            faults,
            ..plan.clone()
        })
    });
    without_item.chain(without_fault)
}

#[test]
fn what_is_left_of_a_failure_is_all_needed_and_breaks_the_same_promise() {
    for (defect, about) in DEFECTS {
        // Where everybody is offered to every peer, a failure need not be about a channel.
        let fails = |seed| defect.run(seed).err().filter(|it| !it.plan.directory);
        let found = (0..80).find_map(fails);
        let found = found.unwrap_or_else(|| panic!("{defect:?} is not caught"));
        let checker = found.violation.checker;
        let shrunk = shrink(found, &|plan| defect.run_plan(plan), RUNS_MAX);
        let plan = &shrunk.failure.plan;
        let text = plan.to_text();
        println!("# must catch: {defect:?}\n{text}\n{shrunk}");
        assert!(shrunk.runs < RUNS_MAX, "{defect:?}: {shrunk}");
        for part in ["CreateChannel", "Invite"] {
            assert!(text.contains(part), "{defect:?}: {shrunk}");
        }
        let is_told = about.iter().any(|word| text.contains(word));
        assert!(is_told, "{defect:?} without any of {about:?}: {shrunk}");
        let again = Plan::parse(&text).unwrap();
        let failure = defect.run_plan(&again).unwrap_err();
        assert_eq!(failure.violation.checker, checker, "{defect:?}");
        assert_eq!(failure.journals.len(), again.nodes);
        assert!(failure.journals.iter().all(|steps| !steps.is_empty()));
        run_plan(&again, &native).unwrap();
        for less in lesser(&again) {
            let seen = broken(defect, &less);
            let is_same = seen.is_some_and(|seen| seen.checker == checker);
            assert!(!is_same, "{defect:?} needs less:\n{}", less.to_text());
        }
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
