//! Changes of the policies of a running workspace, and what it knows of their gates.

use std::sync::Arc;

use causeway_engine::policy::{Candidate, OnFailure};
use causeway_engine::{Engine, EngineOptions};
use causeway_kernel::boundary::policy::{Gate, Gates};
use causeway_kernel::model::MetaRow;
use causeway_kernel::rows::tx::Read;

use super::{FILTER_V0_2, TESTING, age, policies};
use crate::support::workspace::{new_workspace, options, replay};

/// The gates that the workspace knows to be those at which policies decide.
fn noted(engine: &Engine) -> Option<Gates> {
    match engine.snapshot().get(&MetaRow::GATES) {
        Some(MetaRow::Gates(gates)) => Some(gates),
        _ => None,
    }
}

#[tokio::test]
async fn the_workspace_knows_the_gates_of_the_policies_that_are_asked() {
    let folder = tempfile::tempdir().unwrap();
    let with_policies = || EngineOptions {
        policies: Arc::new(policies(&folder)),
        ..options(folder.path())
    };
    let (engine, _effects) = new_workspace(with_policies()).await;
    assert_eq!(noted(&engine), Some(Gates::default()));
    let load = |name: &'static str, component: &'static [u8]| {
        engine.put_policy(Candidate::unsigned(name, component, "x", OnFailure::Hold))
    };
    load("filter", FILTER_V0_2).await.unwrap();
    let posts = Some([Gate::Post].into_iter().collect::<Gates>());
    let every = Some(Gate::ALL.into_iter().collect::<Gates>());
    assert_eq!(noted(&engine), posts);
    load("testing", TESTING).await.unwrap();
    assert_eq!(noted(&engine), every);
    let disabled = engine.set_policy_enabled("testing", false).await.unwrap();
    assert!(!disabled.info.is_enabled);
    assert_eq!(noted(&engine), posts);
    let names = vec!["testing".to_string(), "filter".to_string()];
    engine.reorder_policies(names).await.unwrap();
    assert_eq!(engine.policies()[0].info.name, "testing");
    load("filter", TESTING).await.unwrap();
    assert_eq!(noted(&engine), every);
    engine.rollback_policy("filter").await.unwrap();
    assert_eq!(noted(&engine), posts);
    let inspected = engine.inspect_policy(FILTER_V0_2.to_vec()).await.unwrap();
    assert_eq!(inspected.described.unwrap().gates, ["post-gate"]);
    engine.shutdown().await;
    assert_eq!(replay(folder.path()).difference, None);
}

#[tokio::test]
async fn a_policy_that_no_longer_runs_closes_every_gate_from_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let with_policies = || EngineOptions {
        policies: Arc::new(policies(&folder)),
        ..options(folder.path())
    };
    let (engine, _effects) = new_workspace(with_policies()).await;
    let one = Candidate::unsigned("one", TESTING, "allow", OnFailure::Hold);
    engine.put_policy(one).await.unwrap();
    engine.shutdown().await;
    age(&folder);
    let (engine, _effects) = Engine::open(with_policies()).unwrap();
    assert_eq!(noted(&engine), Some(Gates::ALL));
    let seq = engine.status().seq;
    engine.shutdown().await;
    let (engine, _effects) = Engine::open(with_policies()).unwrap();
    assert_eq!(engine.status().seq, seq, "it is known");
    drop(engine);
    assert_eq!(replay(folder.path()).difference, None);
}

#[tokio::test]
async fn the_workspace_asks_at_the_gates_of_a_shadow_and_its_policies_stay_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let with_policies = || EngineOptions {
        policies: Arc::new(policies(&folder)),
        ..options(folder.path())
    };
    let candidate = |component: &[u8]| Candidate {
        name: "one".into(),
        component: component.to_vec(),
        settings: "x".into(),
        on_failure: OnFailure::Hold,
        signature: None,
    };
    let (engine, _effects) = new_workspace(with_policies()).await;
    let posts = Some([Gate::Post].into_iter().collect::<Gates>());
    engine.put_shadow(candidate(FILTER_V0_2)).await.unwrap();
    assert_eq!(noted(&engine), posts);
    assert!(engine.policies().is_empty());
    engine.unload_shadow("one").await.unwrap();
    assert_eq!(noted(&engine), Some(Gates::default()));
    assert!(engine.promote_shadow("one").await.is_err());
    assert!(engine.put_shadow(candidate(b"no")).await.is_err());
    engine.put_shadow(candidate(FILTER_V0_2)).await.unwrap();
    let seq = engine.status().seq;
    engine.shutdown().await;
    let (engine, _effects) = Engine::open(with_policies()).unwrap();
    assert_eq!(engine.status().seq, seq, "nothing has changed");
    assert_eq!(engine.shadows().len(), 1);
    let promoted = engine.promote_shadow("one").await.unwrap();
    assert_eq!(promoted.info.name, "one");
    assert!(engine.shadows().is_empty());
    assert_eq!(noted(&engine), posts);
    engine.shutdown().await;
    assert_eq!(replay(folder.path()).difference, None);
}
