//! The slots on disk: restarts, order, switching off, rollbacks.

use std::fs;

use causeway_engine::policy::{
    ComponentPolicies, OnFailure, PolicyChain, PolicyChange, PolicyError, PolicyManager,
    UNREFERENCED_MAX,
};
use causeway_kernel::boundary::policy::Verdict;

use super::{
    FILTER_V0_2, LoadUnsigned as _, TESTING, denied, failure, load, message, policies, post,
};

/// Keeps a change and returns its chain.
fn keep(
    policies: &ComponentPolicies,
    change: Result<PolicyChange, PolicyError>,
) -> Box<dyn PolicyChain> {
    let change = change.unwrap();
    policies.keep(change.kept).unwrap();
    change.chain
}

#[test]
fn a_restart_finds_the_chain_and_its_digest_tells_chains_apart() {
    let data = tempfile::tempdir().unwrap();
    let first = policies(&data);
    load(&first, "one", "append 1", OnFailure::Hold);
    let chain = load(&first, "two", "append 2", OnFailure::Allow);
    let again = policies(&data);
    assert_eq!(again.states(), first.states());
    let mut reopened = again.open().unwrap();
    assert_eq!(reopened.digest(), chain.digest());
    assert_eq!(reopened.ask(&[post("x")]), [message("x12")]);
    let change = again.unload("one").unwrap();
    assert_eq!(change.what, "unload one");
    assert_ne!(change.chain.digest(), chain.digest());
    again.keep(change.kept).unwrap();
    assert_eq!(policies(&data).states().len(), 1);
}

#[test]
fn the_order_can_be_changed_and_outlives_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let first = policies(&data);
    load(&first, "one", "append 1", OnFailure::Hold);
    load(&first, "two", "append 2", OnFailure::Hold);
    let names = |names: &[&str]| names.iter().map(|it| (*it).to_string()).collect::<Vec<_>>();
    let mut chain = keep(&first, first.reorder(&names(&["two", "one"])));
    assert_eq!(chain.ask(&[post("x")]), [message("x21")]);
    let mut reopened = policies(&data).open().unwrap();
    assert_eq!(reopened.ask(&[post("x")]), [message("x21")]);
    for wrong in [
        &["one"][..],
        &["one", "one"],
        &["one", "two", "three"],
        &["one", "three"],
    ] {
        let refused = first.reorder(&names(wrong));
        assert!(matches!(refused, Err(PolicyError::Order)), "{wrong:?}");
    }
}

#[test]
fn a_slot_that_is_switched_off_is_kept_and_not_asked() {
    let data = tempfile::tempdir().unwrap();
    let first = policies(&data);
    let before = load(&first, "one", "append 1", OnFailure::Hold);
    let mut chain = keep(&first, first.set_enabled("one", false));
    assert_eq!(chain.ask(&[post("x")]), [Verdict::Allow]);
    let again = policies(&data);
    assert!(!again.states()[0].info.is_enabled);
    assert_eq!(again.open().unwrap().digest(), chain.digest());
    // A swap does not switch it on.
    let mut chain = load(&again, "one", "append 2", OnFailure::Hold);
    assert_eq!(chain.ask(&[post("x")]), [Verdict::Allow]);
    let mut chain = keep(&again, again.set_enabled("one", true));
    assert_eq!(chain.ask(&[post("x")]), [message("x2")]);
    let chain = load(&again, "one", "append 1", OnFailure::Hold);
    assert_eq!(chain.digest(), before.digest());
}

#[test]
fn a_slot_is_rolled_back_to_what_it_had_and_forward_again() {
    let data = tempfile::tempdir().unwrap();
    let first = policies(&data);
    load(&first, "one", "append 1", OnFailure::Hold);
    assert!(matches!(
        first.rollback("one"),
        Err(PolicyError::NoPrevious(_))
    ));
    let filter = first.load("one", FILTER_V0_2.to_vec(), "x".into(), OnFailure::Allow);
    keep(&first, filter);
    // The same again is no change to be rolled back.
    let filter = first.load("one", FILTER_V0_2.to_vec(), "x".into(), OnFailure::Allow);
    keep(&first, filter);
    let again = policies(&data);
    let change = again.rollback("one");
    assert_eq!(change.as_ref().unwrap().what, "roll back one");
    let mut chain = keep(&again, change);
    assert_eq!(chain.ask(&[post("x")]), [message("x1")]);
    assert_eq!(again.states()[0].info.on_failure, OnFailure::Hold);
    let mut chain = keep(&again, again.rollback("one"));
    assert_eq!(again.states()[0].info.on_failure, OnFailure::Allow);
    assert!(matches!(chain.ask(&[post("x")])[..], [Verdict::Deny(_)]));
    assert!(matches!(
        again.rollback("two"),
        Err(PolicyError::NotFound(_))
    ));
}

#[test]
fn the_counts_of_a_slot_outlive_its_swap() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    load(&policies, "one", "deny no", OnFailure::Hold).ask(&[post("x")]);
    load(&policies, "one", "append 1", OnFailure::Hold).ask(&[post("x")]);
    let counts = policies.states()[0].counts;
    assert_eq!((counts.denied, counts.revised), (1, 1));
    assert!(counts.fuel > 0);
}

/// The testing policy with an empty custom section that has this name: other bytes, same code.
fn relabelled(number: u8) -> Vec<u8> {
    let mut bytes = TESTING.to_vec();
    bytes.extend([0, 2, 1, b'a' + number]);
    bytes
}

#[test]
fn swaps_do_not_fill_the_disk_and_what_a_slot_may_return_to_is_kept() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let swaps = 20_u8;
    assert!(usize::from(swaps) > UNREFERENCED_MAX + 2);
    for number in 0..swaps {
        let swap = policies.load("one", relabelled(number), String::new(), OnFailure::Hold);
        keep(&policies, swap);
    }
    let files = fs::read_dir(data.path().join("policies")).unwrap();
    let is_component = |name: &str| name.ends_with(".wasm");
    let components = files
        .filter(|file| is_component(file.as_ref().unwrap().file_name().to_str().unwrap()))
        .count();
    // Those in force and before it, and those that nothing refers to.
    assert_eq!(components, 2 + UNREFERENCED_MAX);
    policies.rollback("one").unwrap();
}

#[test]
fn a_component_is_tried_out_in_its_place_and_nothing_is_stored() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let folder = data.path().join("policies");
    let chains = policies.rehearsal("gate", TESTING, "deny tried", OnFailure::Hold);
    let mut chain = chains.unwrap().open();
    assert_eq!(denied(chain.ask(&[post("x")])), ["tried"]);
    assert!(!folder.exists() && policies.states().is_empty());

    keep(
        &policies,
        policies.load(
            "first",
            TESTING.into(),
            "deny first".into(),
            OnFailure::Hold,
        ),
    );
    keep(
        &policies,
        policies.load("gate", TESTING.into(), "allow".into(), OnFailure::Hold),
    );
    keep(&policies, policies.set_enabled("gate", false));
    keep(&policies, policies.set_enabled("first", false));
    // Also in the place of a slot that is switched off, and however often it fails.
    let chains = policies.rehearsal("gate", TESTING, "trap x", OnFailure::Hold);
    let mut chain = chains.unwrap().open();
    for _ in 0..20 {
        let why = failure(chain.ask(&[post("x")]).remove(0));
        assert!(!why.contains("suspended"), "{why}");
    }
    assert_eq!(policies.states()[1].info.settings, "allow");
    assert!(
        policies
            .rehearsal("gate", b"nonsense", "", OnFailure::Hold)
            .is_err()
    );
}

#[test]
fn a_component_that_is_gone_closes_its_gate_and_does_not_stop_the_start() {
    let data = tempfile::tempdir().unwrap();
    let opened = policies(&data);
    keep(
        &opened,
        opened.load("gate", TESTING.into(), "allow".into(), OnFailure::Hold),
    );
    let digest = opened.states()[0].info.digest.clone();
    fs::remove_file(data.path().join(format!("policies/{digest}.wasm"))).unwrap();
    let again = policies(&data);
    assert!(again.states()[0].described.is_err());
    failure(again.open().unwrap().ask(&[post("x")]).remove(0));
}
