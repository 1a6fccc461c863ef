//! Shadows: candidates that are asked beside the chain, and change nothing.

use std::time::{Duration, Instant};

use causeway_engine::policy::{
    Candidate, ComponentPolicies, OnFailure, Outcome, Place, PolicyError, PolicyManager,
    SHADOWS_MAX, SLOTS_MAX, STEP_POLICY_FUEL, ShadowCounts, ShadowState,
};
use causeway_kernel::boundary::policy::{Gate, Gates, Question, Verdict};

use super::{FILTER_V0_2, TESTING, counts, denied, load, message, policies, post, post_at};

fn candidate(name: &str, settings: &str) -> Candidate {
    Candidate::unsigned(name, TESTING, settings, OnFailure::Hold)
}

/// Has the testing policy asked as a shadow.
fn shadow(policies: &ComponentPolicies, name: &str, settings: &str) {
    let change = policies.prepare(&candidate(name, settings), Place::Shadow);
    policies.keep(change.unwrap().kept).unwrap();
}

/// The first shadow, once so many questions have been compared or skipped. What is waited for is sure to come.
fn settled(policies: &ComponentPolicies, questions: u64) -> ShadowState {
    let late = Instant::now() + Duration::from_secs(300);
    loop {
        let found = policies.shadows().remove(0);
        if found.counts.questions >= questions {
            assert_eq!(found.counts.questions, questions);
            return found;
        }
        assert!(Instant::now() < late, "{found:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_shadow_counts_what_it_would_change_and_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let mut chain = load(&policies, "one", "append 1", OnFailure::Hold);
    let before = policies.open().unwrap().digest();
    chain.begin_step();
    let alone = (chain.ask(&[post("x"), post("y")]), chain.fuel_used());
    shadow(&policies, "one", "trap x");
    assert_eq!(policies.open().unwrap().digest(), before);
    chain.begin_step();
    let beside = (chain.ask(&[post("x"), post("y")]), chain.fuel_used());
    assert_eq!(beside, alone);
    // On `x` it traps, and `y` would pass unrevised.
    let found = settled(&policies, 2);
    let expected = ShadowCounts {
        questions: 2,
        failed: 1,
        would_pass: 1,
        ..ShadowCounts::default()
    };
    assert_eq!(found.counts, expected);
    let outcomes: Vec<_> = found.last.iter().map(|it| (it.decided, it.would)).collect();
    let expected = [
        (Outcome::Revise, Outcome::Fail),
        (Outcome::Revise, Outcome::Pass),
    ];
    assert_eq!(outcomes, expected);
    let last = &found.last[0];
    assert_eq!((last.gate, last.at_ms), ("post-gate", 77));
    assert_eq!(last.object_id, "eeeeeeeeeeeeeeeeeeeeeeeeee");
    // It counts for itself, and so does what it replaces.
    assert_eq!(found.policy.counts.failures, 1);
    assert_eq!(
        (counts(&policies).questions, counts(&policies).revised),
        (4, 4)
    );
}

#[test]
fn what_the_others_decide_anyway_is_no_disagreement() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    load(&policies, "first", "append !", OnFailure::Hold);
    let mut chain = load(&policies, "second", "deny no", OnFailure::Hold);
    shadow(&policies, "third", "trap x!");
    assert_eq!(denied(chain.ask(&[post("x")])), ["no"]);
    assert_eq!(settled(&policies, 1).counts.agreed, 1);
    // In the place of the one that denies, it sees the revised text.
    policies
        .keep(policies.unload_shadow("third").unwrap().kept)
        .unwrap();
    shadow(&policies, "second", "trap x!");
    chain.ask(&[post("x"), post("y")]);
    let found = settled(&policies, 2).counts;
    assert_eq!((found.failed, found.would_revise), (1, 1));
    let states = policies.states();
    assert_eq!(states[0].counts.questions, 3);
}

#[test]
fn a_shadow_is_asked_at_its_gates_without_opening_them() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let mut filter = candidate("posts", "x");
    filter.component = FILTER_V0_2.to_vec();
    let change = policies.prepare(&filter, Place::Shadow).unwrap();
    assert!(!change.is_of_chain);
    policies.keep(change.kept).unwrap();
    let mut chain = policies.open().unwrap();
    assert_eq!(chain.gates(), [Gate::Post].into_iter().collect::<Gates>());
    // Also what a policy at the gate could not be shown passes, as without any policy.
    let unseen = post_at(77, "x", None);
    let Question::Post(known) = post("x") else {
        panic!("it is a post");
    };
    let profile = Question::Member(known.context);
    assert_eq!(
        chain.ask(&[unseen, post("x"), profile]),
        [Verdict::Allow, Verdict::Allow, Verdict::Allow]
    );
    let found = settled(&policies, 2);
    assert_eq!(found.counts.would_deny, 2);
    // A replay has no shadows.
    assert_eq!(policies.chain().gates(), Gates::default());
}

#[test]
fn a_shadow_that_loops_costs_the_step_nothing_and_has_a_budget_of_its_own() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let mut chain = load(&policies, "one", "allow", OnFailure::Hold);
    shadow(&policies, "one", "loop");
    let posts: Vec<Question<'static>> = (0..20).map(|_| post("x")).collect();
    chain.begin_step();
    let verdicts = chain.ask(&posts);
    assert!(verdicts.iter().all(|it| *it == Verdict::Allow));
    assert!(chain.fuel_used() < STEP_POLICY_FUEL / 100);
    let found = settled(&policies, 20);
    assert_eq!((found.counts.failed, found.counts.skipped), (3, 17));
    assert_eq!(found.policy.counts.fuel, STEP_POLICY_FUEL);
    assert_eq!(found.policy.counts.suspensions, 0);
    // In the next step it is asked again; what it cannot keep up with is counted.
    const LISTS: u64 = 1_200;
    chain.begin_step();
    for _ in 0..LISTS {
        assert_eq!(chain.ask(&[post("x")]), [Verdict::Allow]);
    }
    let found = settled(&policies, 20 + LISTS);
    assert_eq!((found.counts.failed, found.counts.agreed), (6, 0));
    assert_eq!(counts(&policies).allowed, 20 + LISTS);
}

#[test]
fn a_shadow_survives_a_restart_and_is_promoted_or_removed() {
    let data = tempfile::tempdir().unwrap();
    let first = policies(&data);
    load(&first, "one", "append 1", OnFailure::Hold);
    first
        .keep(first.set_enabled("one", false).unwrap().kept)
        .unwrap();
    shadow(&first, "one", "append 2");
    shadow(&first, "new", "append 3");
    let again = policies(&data);
    let names = |policies: &ComponentPolicies| {
        let shadows = policies.shadows().into_iter();
        shadows.map(|it| it.policy.info.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&again), ["one", "new"]);
    assert_eq!(again.shadows(), first.shadows());
    let digest = again.open().unwrap().digest();
    assert_eq!(digest, first.open().unwrap().digest());

    let change = again.promote("one").unwrap();
    assert_eq!(
        (change.what.as_str(), change.is_of_chain),
        ("promote one", true)
    );
    assert_ne!(change.chain.digest(), digest);
    again.keep(change.kept).unwrap();
    assert_eq!(names(&again), ["new"]);
    assert_eq!(
        policies(&data).open().unwrap().ask(&[post("x")]),
        [message("x2")]
    );
    // As after a swap, the one before can come back.
    again.keep(again.rollback("one").unwrap().kept).unwrap();
    assert_eq!(again.open().unwrap().ask(&[post("x")]), [message("x1")]);

    again.keep(again.promote("new").unwrap().kept).unwrap();
    assert_eq!(again.open().unwrap().ask(&[post("x")]), [message("x13")]);
    shadow(&again, "one", "deny no");
    again
        .keep(again.unload_shadow("one").unwrap().kept)
        .unwrap();
    assert!(policies(&data).shadows().is_empty());
    assert_eq!(again.open().unwrap().ask(&[post("x")]), [message("x13")]);
}

#[test]
fn what_is_no_policy_is_no_shadow_either() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let refused = |candidate: &Candidate| policies.prepare(candidate, Place::Shadow).err().unwrap();
    let with = |component: &[u8]| Candidate {
        component: component.to_vec(),
        ..candidate("one", "allow")
    };
    for component in [&b"no"[..], b"\0asm\x01\0\0\0"] {
        assert!(matches!(
            refused(&with(component)),
            PolicyError::Component(_)
        ));
    }
    let settings = refused(&candidate("one", "refuse no"));
    assert!(matches!(settings, PolicyError::Settings(_)));
    assert!(matches!(
        refused(&candidate("One", "")),
        PolicyError::Name(_)
    ));
    let no_shadow = |change: Result<_, PolicyError>| match change.err() {
        Some(PolicyError::NoShadow(name)) => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(no_shadow(policies.promote("one").map(|_| ())), "one");
    assert_eq!(no_shadow(policies.unload_shadow("one").map(|_| ())), "one");
    for number in 0..SHADOWS_MAX {
        shadow(&policies, &format!("shadow{number}"), "allow");
    }
    assert!(matches!(
        refused(&candidate("more", "")),
        PolicyError::Component(_)
    ));
    // Another one in the place of one that is there.
    shadow(&policies, "shadow0", "deny no");
    assert_eq!(policies.shadows().len(), SHADOWS_MAX);
}

#[test]
fn a_shadow_whose_component_is_gone_stays_without_effect() {
    let data = tempfile::tempdir().unwrap();
    shadow(&policies(&data), "one", "deny no");
    for file in std::fs::read_dir(data.path().join("policies")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|it| it == "wasm") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let again = policies(&data);
    assert!(again.shadows()[0].policy.described.is_err());
    let mut chain = again.open().unwrap();
    assert_eq!(chain.gates(), Gates::default());
    assert_eq!(chain.ask(&[post("x")]), [Verdict::Allow]);
    assert!(again.promote("one").is_err());
}

#[test]
fn shadows_that_are_replaced_while_they_answer_take_no_instance_from_the_chain() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    for slot in 1..SLOTS_MAX {
        load(&policies, &format!("p{slot}"), "allow", OnFailure::Hold);
    }
    let mut chain = policies.open().unwrap();
    for _ in 0..4 {
        shadow(&policies, "last", "loop");
        chain.begin_step();
        assert_eq!(chain.ask(&[post("x")]), [Verdict::Allow]);
    }
}
