//! Policies that fail: traps, fuel, memory, floods of lines, and the suspension of a slot.

use causeway_engine::policy::{
    OnFailure, PolicyChain, PolicyManager, STEP_POLICY_FUEL, STRIKES_MAX, SUSPENSION_MS,
};
use causeway_kernel::boundary::policy::{Context, FileQuestion, Question, Verdict};

use super::{counts, denied, failure, load, message, policies, post, post_at, verdict_of};

#[test]
fn a_policy_that_fails_holds_the_post_back_unless_its_slot_says_otherwise() {
    for settings in ["trap x", "loop", "grow", "recurse"] {
        failure(verdict_of(settings, OnFailure::Hold, "x"));
        let passes = verdict_of(settings, OnFailure::Allow, "x");
        assert_eq!(passes, Verdict::Allow, "{settings}");
    }
    assert_eq!(verdict_of("append ", OnFailure::Hold, "x"), message("x"));
    let fuel = failure(verdict_of("loop", OnFailure::Hold, "x"));
    assert!(fuel.contains("fuel"), "{fuel}");
    let memory = failure(verdict_of("grow", OnFailure::Hold, "x"));
    assert!(memory.contains("memory"), "{memory}");
}

#[test]
fn an_instance_lives_for_one_list_of_questions_or_until_it_traps() {
    let data = tempfile::tempdir().unwrap();
    let mut chain = load(&policies(&data), "testing", "count", OnFailure::Hold);
    assert_eq!(denied(chain.ask(&[post("a"), post("b")])), ["1", "2"]);
    // The state for one connection is gone when it is asked about another.
    assert_eq!(denied(chain.ask(&[post("c")])), ["1"]);
    let mut chain = load(&policies(&data), "testing", "trap x", OnFailure::Hold);
    let verdicts = chain.ask(&[post("a"), post("x"), post("b")]);
    assert!(matches!(
        verdicts[..],
        [Verdict::Allow, Verdict::Failed(_), Verdict::Allow]
    ));
}

#[test]
fn a_policy_that_traps_at_its_third_decision_fails_that_question_alone() {
    let data = tempfile::tempdir().unwrap();
    let mut chain = load(&policies(&data), "testing", "trap-at 3", OnFailure::Hold);
    let asked: Vec<Question<'static>> = (0..7).map(|_| post("x")).collect();
    let failed = chain.ask(&asked).into_iter();
    let failed = failed.map(|verdict| matches!(verdict, Verdict::Failed(_)));
    assert!(failed.eq([false, false, true, false, false, true, false]));
}

#[test]
fn the_policies_have_so_much_fuel_in_a_step_and_what_it_does_not_suffice_for_is_held() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let mut chain = load(&policies, "testing", "loop", OnFailure::Allow);
    let posts: Vec<Question<'static>> = (0..20).map(|_| post("x")).collect();
    chain.begin_step();
    let verdicts = chain.ask(&posts);
    assert_eq!(chain.fuel_used(), STEP_POLICY_FUEL);
    assert_eq!(counts(&policies).fuel, STEP_POLICY_FUEL);
    // A policy that fails lets posts pass, as its slot says; questions that are not asked do not.
    assert_eq!(verdicts[0], Verdict::Allow);
    assert!(matches!(&verdicts[19], Verdict::Failed(why) if why.contains("one step")));
    chain.begin_step();
    assert_eq!(chain.ask(&[post("x")]), [Verdict::Allow]);
}

#[test]
fn a_flood_of_lines_is_cut_and_costs_fuel() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let mut chain = load(&policies, "testing", "log 1000", OnFailure::Hold);
    assert_eq!(chain.ask(&[post("x")]), [Verdict::Allow]);
    assert_eq!(counts(&policies).dropped_lines, 1_000 - 16);
    let used = chain.fuel_used();
    assert!(used > 1_000 * 5_000, "{used}");
    let flood = failure(verdict_of("log 1000000", OnFailure::Hold, "x"));
    assert!(flood.contains("fuel"), "{flood}");
}

/// Whether the policy is asked about a post that it traps on, in a step at this time.
fn is_asked(chain: &mut dyn PolicyChain, now_ms: i64, message: &str) -> bool {
    let verdict = chain
        .ask(&[post_at(now_ms, message, Some(Vec::new()))])
        .remove(0);
    !matches!(verdict, Verdict::Failed(why) if why.contains("suspended"))
}

#[test]
fn a_slot_that_fails_too_often_is_suspended_and_tried_again() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let mut chain = load(&policies, "testing", "trap x", OnFailure::Hold);
    for _ in 0..STRIKES_MAX {
        assert!(is_asked(chain.as_mut(), 1_000, "x"));
    }
    let until_ms = 1_000 + SUSPENSION_MS;
    assert!(!is_asked(chain.as_mut(), 1_000, "fine"));
    assert!(!is_asked(chain.as_mut(), until_ms - 1, "fine"));
    let suspended = counts(&policies);
    assert_eq!(suspended.suspended_until_ms, Some(until_ms));
    assert_eq!((suspended.failures, suspended.unasked), (8, 2));
    // It is tried, fails, and is suspended at once.
    assert!(is_asked(chain.as_mut(), until_ms, "x"));
    assert!(!is_asked(chain.as_mut(), until_ms, "fine"));
    let again_ms = until_ms + SUSPENSION_MS;
    assert!(is_asked(chain.as_mut(), again_ms, "fine"));
    assert!(is_asked(chain.as_mut(), again_ms, "x"));
    assert!(is_asked(chain.as_mut(), again_ms, "fine"));
    let done = counts(&policies);
    assert_eq!((done.suspensions, done.suspended_until_ms), (2, None));
    let kinds = done.allowed + done.denied + done.revised + done.failures + done.unasked;
    assert_eq!((done.questions, kinds), (15, 15));
}

/// A question about a file that crosses another connection.
fn elsewhere(name: &str) -> Question<'_> {
    Question::File(FileQuestion {
        context: Context {
            connection_id: "gggggggggggggggggggggggggg",
            ..super::context(1_000)
        },
        id: "",
        post_id: "",
        name,
        size: 0,
        media_type: "",
    })
}

#[test]
fn what_one_connection_sends_does_not_close_the_gates_to_others() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let mut chain = load(&policies, "testing", "trap x", OnFailure::Hold);
    for _ in 0..STRIKES_MAX {
        assert!(is_asked(chain.as_mut(), 1_000, "x"));
    }
    assert!(!is_asked(chain.as_mut(), 1_000, "fine"));
    assert_eq!(chain.ask(&[elsewhere("fine")]), [Verdict::Allow]);
    assert!(!is_asked(chain.as_mut(), 1_000, "fine"));
    // Another chain begins anew, and its first answer shows it.
    let mut chain = load(&policies, "testing", "allow", OnFailure::Hold);
    assert!(is_asked(chain.as_mut(), 1_000, "x"));
    assert_eq!(counts(&policies).suspended_until_ms, None);
}

#[test]
fn instances_that_trap_share_the_lines_of_their_list() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let mut chain = load(&policies, "testing", "log 16", OnFailure::Hold);
    chain.ask(&[post("a"), post("b")]);
    assert_eq!(counts(&policies).dropped_lines, 16);
    chain.ask(&[post("c")]);
    assert_eq!(counts(&policies).dropped_lines, 16);
}

#[test]
fn what_a_suspended_slot_is_not_asked_passes_if_its_failures_pass() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let mut chain = load(&policies, "testing", "trap x", OnFailure::Allow);
    let posts: Vec<Question<'static>> = (0..STRIKES_MAX + 2).map(|_| post("x")).collect();
    assert!(chain.ask(&posts).iter().all(|it| *it == Verdict::Allow));
    assert_eq!(counts(&policies).unasked, 2);
}

#[test]
fn a_question_for_which_the_step_has_no_fuel_left_is_no_strike() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    load(&policies, "good", "allow", OnFailure::Hold);
    let mut chain = load(&policies, "loops", "at file-gate loop", OnFailure::Allow);
    let file = || {
        Question::File(FileQuestion {
            context: super::context(77),
            id: "",
            post_id: "",
            name: "",
            size: 0,
            media_type: "",
        })
    };
    chain.begin_step();
    let mut questions: Vec<Question<'static>> = (0..4).map(|_| file()).collect();
    questions.extend((0..2 * STRIKES_MAX).map(|_| post("x")));
    let verdicts = chain.ask(&questions);
    assert!(matches!(verdicts[5], Verdict::Failed(_)));
    chain.begin_step();
    assert_eq!(chain.ask(&[post("x")]), [Verdict::Allow]);
    let good = policies.states()[0].counts;
    assert_eq!(good.suspensions, 0, "{good:?}");
}
