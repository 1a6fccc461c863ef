//! Which components are policies that run here, and what is said of the others.

use causeway_engine::policy::{Inspection, OnFailure, POLICY_CONTRACT, PolicyError, PolicyManager};
use causeway_engine::runtime::EMBEDDED_KERNEL;
use causeway_kernel::boundary::policy::{Gate, Gates, Verdict};

use super::{
    FILTER_V0_2, LoadUnsigned as _, TESTING, TESTING_V0_3_0, WASI, age, built_for, denial, denied,
    failure, leaf, load, policies, post, with_texts,
};

#[test]
fn what_cannot_be_a_policy_is_refused_with_the_reason() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let refused = |name: &str, component: &[u8], settings: &str| {
        policies
            .load(name, component.to_vec(), settings.into(), OnFailure::Hold)
            .err()
            .unwrap()
            .to_string()
    };
    assert!(refused("a", EMBEDDED_KERNEL, "").contains("it imports causeway:kernel/store"));
    assert!(
        refused("a", EMBEDDED_KERNEL, "").contains("does not export policy of causeway:policy@")
    );
    assert!(refused("a", b"nonsense", "").contains("not a policy"));
    assert!(refused("a", TESTING, "refuse too sweet").ends_with("too sweet"));
    assert!(refused("a", TESTING, "trap-configure").contains("unreachable"));
    assert!(refused("../a", TESTING, "").contains("name"));
    assert!(policies.states().is_empty());
    assert!(matches!(
        policies.unload("a"),
        Err(PolicyError::NotFound(_))
    ));
}

#[test]
fn a_component_of_another_contract_is_refused_with_both_versions_and_a_patch_is_none() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let load = |component: Vec<u8>| {
        let change = policies.load("one", component, "deny no".into(), OnFailure::Hold)?;
        Ok::<_, PolicyError>(change.chain)
    };
    for version in ["0.1.0", "0.4.0"] {
        let said = load(built_for(version)).err().unwrap().to_string();
        assert!(
            said.contains(&format!("causeway:policy@{version}")),
            "{said}"
        );
        assert!(said.contains(POLICY_CONTRACT), "{said}");
        assert!(said.contains("rebuild it"), "{said}");
    }
    let mut chain = load(built_for("0.3.7")).unwrap();
    assert_eq!(denied(chain.ask(&[post("x")])), ["no"]);
}

#[test]
fn a_component_built_for_an_earlier_patch_runs_and_is_not_asked_at_the_gates_that_came_later() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let chain = |settings: &str| {
        let component = TESTING_V0_3_0.to_vec();
        let loaded = policies.load("old", component, settings.into(), OnFailure::Hold);
        loaded.unwrap().chain
    };
    let mut denies = chain("deny no");
    let earlier = Gate::ALL.into_iter().filter(|gate| *gate <= Gate::Direct);
    assert_eq!(denies.gates(), earlier.collect::<Gates>());
    assert_eq!(denied(denies.ask(&[post("x")])), ["no"]);
    assert_eq!(chain("log 3").ask(&[post("x")]), [Verdict::Allow]);
    let inspected = policies.inspect(TESTING_V0_3_0).unwrap();
    assert!(
        inspected
            .imports
            .contains(&"causeway:policy/log@0.3.0".to_string())
    );
}

#[test]
fn a_component_of_the_minor_version_before_runs_and_its_denials_get_a_code() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let loaded = policies.load(
        "old",
        FILTER_V0_2.to_vec(),
        "[outbound]\nsalary".into(),
        OnFailure::Hold,
    );
    let mut chain = loaded.unwrap().chain;
    let posts: Gates = [Gate::Post].into_iter().collect();
    assert_eq!(chain.gates(), posts);
    let texts = Some(vec![leaf("/b/0", "the salary")]);
    let mut verdicts = chain.ask(&[post("hello"), post("a salary"), with_texts("x", texts)]);
    let in_property = denial(verdicts.remove(2));
    assert!(in_property.text.contains("/b/0"), "{in_property:?}");
    let in_message = denial(verdicts.remove(1));
    assert_eq!(in_message.text, "the message contains \"salary\"");
    assert_eq!(in_message.code, "denied");
    assert!(in_message.policy.starts_with("old (content-filter 0."));
    assert_eq!(verdicts, [Verdict::Allow]);
}

#[test]
fn a_slot_of_an_older_contract_stays_says_what_to_do_and_fails_until_it_is_swapped() {
    let data = tempfile::tempdir().unwrap();
    load(&policies(&data), "old", "allow", OnFailure::Hold);
    age(&data);
    let policies = policies(&data);
    let state = policies.states().remove(0);
    let why = state.described.unwrap_err();
    assert!(why.contains("0.1.0") && why.contains("0.3.1"), "{why}");
    let mut chain = policies.open().unwrap();
    assert_eq!(chain.gates(), Gates::ALL);
    let held = failure(chain.ask(&[post("x")]).remove(0));
    assert!(held.contains("0.1.0"), "{held:?}");
    // It can be switched off, but not on.
    let disabled = policies.set_enabled("old", false).unwrap();
    assert_eq!(disabled.chain.gates(), Gates::default());
    assert!(matches!(
        policies.set_enabled("old", true),
        Err(PolicyError::Component(_))
    ));
    let mut chain = load(&policies, "old", "allow", OnFailure::Hold);
    assert_eq!(chain.ask(&[post("x")]), [Verdict::Allow]);
    assert_eq!(
        policies.states().remove(0).described.unwrap().name,
        "testing"
    );
}

#[test]
fn the_rules_follow_from_the_settings_and_have_limits() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    load(&policies, "one", "deny no", OnFailure::Hold);
    assert_eq!(policies.states()[0].rules, ["deny no"]);
    let longest = format!("deny {}", "x".repeat(295));
    let loaded = |settings: String| {
        let loaded = policies.load("one", TESTING.to_vec(), settings, OnFailure::Hold);
        loaded.map(|change| change.what)
    };
    assert_eq!(loaded(longest.clone()).unwrap(), "swap one");
    let said = loaded(longest + "x").unwrap_err().to_string();
    assert!(said.contains("300 bytes"), "{said}");
}

#[test]
fn a_component_can_be_inspected_without_loading_it() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let inspect = |component: &[u8]| policies.inspect(component).unwrap();
    let Inspection {
        digest,
        size_bytes,
        imports,
        exports,
        described,
        rules,
    } = inspect(TESTING);
    assert_eq!(digest, blake3::hash(TESTING).to_hex().to_string());
    assert_eq!(size_bytes, TESTING.len());
    assert!(imports.contains(&"causeway:policy/log@0.3.1".to_string()));
    assert!(exports.contains(&"causeway:policy/file-gate@0.3.1".to_string()));
    assert_eq!(described.unwrap().gates.len(), Gate::ALL.len());
    assert_eq!(rules.unwrap(), Vec::<String>::new());
    let wasi = inspect(WASI);
    assert_eq!(wasi.described.unwrap().name, "testing-wasi");
    assert!(wasi.imports.iter().any(|name| name.starts_with("wasi:")));
    assert!(policies.inspect(b"nonsense").is_err());
    assert!(policies.states().is_empty());
    assert!(!data.path().join("policies").exists());
}
