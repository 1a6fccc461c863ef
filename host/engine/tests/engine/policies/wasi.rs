//! What a policy has of WASI: nothing of the machine, and the same in every instance.

use causeway_engine::policy::{OnFailure, PolicyManager};
use causeway_kernel::boundary::policy::Verdict;

use super::{
    LoadUnsigned as _, TESTING, WASI, counts, denial, failure, patched, policies, post, post_at,
};

/// What the testing policy with these settings says in a step at this time.
fn verdict_at(now_ms: i64, settings: &str) -> Verdict {
    let data = tempfile::tempdir().unwrap();
    let change = policies(&data).load("wasi", WASI.to_vec(), settings.into(), OnFailure::Hold);
    change
        .unwrap()
        .chain
        .ask(&[post_at(now_ms, "x", Some(Vec::new()))])
        .remove(0)
}

#[track_caller]
fn said_at(now_ms: i64, settings: &str) -> String {
    denial(verdict_at(now_ms, settings)).text
}

#[test]
fn it_sees_the_steps_time_and_nothing_of_the_machine() {
    let seen = |now_ms: i64| {
        format!("ms {now_ms} clock 0 folders 0 environment 0 arguments 0 input false")
    };
    assert_eq!(said_at(1_709_210_096_789, "see"), seen(1_709_210_096_789));
    assert_eq!(said_at(-1, "see"), seen(0));
}

#[test]
fn its_random_numbers_follow_from_the_steps_time() {
    let numbers = said_at(77, "numbers");
    assert_eq!(said_at(77, "numbers"), numbers);
    assert_ne!(said_at(78, "numbers"), numbers);
    assert_eq!(said_at(77, "random 256"), "256");
    let why = failure(verdict_at(77, "random 257"));
    assert!(why.contains("257 random bytes"), "{why}");
}

#[test]
fn a_wait_ends_at_once_and_only_its_own_clock_moves() {
    assert_eq!(said_at(77, "wait"), "3600");
}

#[test]
fn two_instances_do_not_see_each_others_leavings() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    for (name, settings) in [("one", "write 3"), ("two", "wait"), ("three", "see")] {
        let change = policies
            .load(name, WASI.to_vec(), settings.into(), OnFailure::Hold)
            .unwrap();
        policies.keep(change.kept).unwrap();
    }
    // Another list of questions, and another slot: clock and numbers begin anew.
    let mut chain = policies.open().unwrap();
    for _ in 0..2 {
        assert_eq!(denial(chain.ask(&[post("x")]).remove(0)).text, "3600");
    }
    let without_two = policies.set_enabled("two", false).unwrap();
    policies.keep(without_two.kept).unwrap();
    let mut chain = policies.open().unwrap();
    let text = denial(chain.ask(&[post("x")]).remove(0)).text;
    assert!(text.starts_with("ms 77 clock 0 "), "{text}");
}

#[test]
fn what_it_writes_to_its_output_counts_with_the_lines_of_the_log() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let loaded = policies.load("wasi", WASI.to_vec(), "write 20".into(), OnFailure::Hold);
    let change = loaded.unwrap();
    policies.keep(change.kept).unwrap();
    let mut chain = change.chain;
    assert_eq!(chain.ask(&[post("x")]), [Verdict::Allow]);
    assert_eq!(counts(&policies).dropped_lines, 20 - 16);
}

#[test]
fn what_would_cost_the_service_much_ends_it() {
    let flood = failure(verdict_at(77, "flood 5000"));
    assert!(flood.contains("wrote more"), "{flood}");
    let calls = failure(verdict_at(77, "ask-clock"));
    assert!(calls.contains("called WASI more than"), "{calls}");
    let hoard = failure(verdict_at(77, "hoard"));
    assert!(hoard.contains("resource table"), "{hoard}");
    let exit = failure(verdict_at(77, "exit"));
    assert!(exit.contains("exit code 1"), "{exit}");
}

#[test]
fn what_is_not_provided_is_refused_by_name() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let other = patched(
        WASI,
        "wasi:cli/environment@0.2.0",
        "wasi:sockets/network@0.2.0",
    );
    let refused = policies.load("wasi", other, String::new(), OnFailure::Hold);
    let said = refused.err().unwrap().to_string();
    assert!(
        said.contains("it imports wasi:sockets/network@0.2.0"),
        "{said}"
    );
    // A policy that needs none of it has none of it.
    let inspected = policies.inspect(TESTING).unwrap();
    assert!(!inspected.imports.iter().any(|it| it.starts_with("wasi:")));
}
