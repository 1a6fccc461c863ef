//! A slice of the fuzzing for every test run: the seeds, earlier findings, and some changes
//! of both that are the same in every run.

use causeway_fuzz::{TARGETS, Target, mutate};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRng, TestRunner};

fn slice(name: &str) {
    let target = Target::named(name).expect("a target");
    let inputs = target.inputs().expect("the corpus can be read");
    assert!(!inputs.is_empty());
    for input in &inputs {
        (target.run)(input);
    }
    let config = Config {
        cases: target.cases,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let changed = (any::<Index>(), mutate::edits());
    let outcome = TestRunner::new_with_rng(config, rng).run(&changed, |(input, edits)| {
        (target.run)(&mutate::apply(input.get(&inputs).clone(), &edits));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

macro_rules! slices {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            slice($name);
        })*

        #[test]
        fn every_target_has_its_slice() {
            let names = TARGETS.map(|target| target.name);
            assert_eq!(names.as_slice(), [$($name),*]);
        }
    };
}

slices! {
    frames: "frames",
    receipts: "receipts",
    invitations: "invitations",
    session_files: "session-files",
    journals: "journals",
    policies: "policies",
    slash_commands: "slash-commands",
    http_bodies: "http-bodies",
}
