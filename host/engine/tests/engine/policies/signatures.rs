//! Signatures of policies, required and not.

use causeway_engine::policy::{
    Candidate, ComponentPolicies, OnFailure, Place, PolicyChange, PolicyError, PolicyManager,
    PrivateKey, Trust,
};
use causeway_kernel::boundary::policy::Gates;
use tempfile::TempDir;

use super::{FILTER, TESTING, denied, failure, load, policies, post};
use crate::support::sandbox;

fn key() -> PrivateKey {
    PrivateKey::generate().unwrap().0
}

fn trusting(data: &TempDir, is_required: bool, keys: &[&PrivateKey]) -> ComponentPolicies {
    let keys = keys.iter().map(|key| key.public().unwrap());
    let trust = Trust {
        is_required,
        keys: keys.collect(),
    };
    ComponentPolicies::open_trusting(sandbox(), data.path(), trust).unwrap()
}

fn signature(component: &[u8], key: &PrivateKey) -> String {
    let data = tempfile::tempdir().unwrap();
    let manifest = policies(&data).manifest(component).unwrap();
    manifest.sign(key).unwrap()
}

fn put(
    policies: &ComponentPolicies,
    place: Place,
    signature: Option<&str>,
) -> Result<PolicyChange, PolicyError> {
    let candidate = Candidate {
        name: "one".into(),
        component: TESTING.to_vec(),
        settings: "deny no".into(),
        on_failure: OnFailure::Hold,
        signature: signature.map(Into::into),
    };
    policies.prepare(&candidate, place)
}

/// Why a policy is refused for its signature.
#[track_caller]
fn refused(change: Result<PolicyChange, PolicyError>) -> String {
    match change.err() {
        Some(PolicyError::Signature(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_manifest_says_what_the_component_says_of_itself() {
    let data = tempfile::tempdir().unwrap();
    let manifest = policies(&data).manifest(FILTER).unwrap();
    let digest = blake3::hash(FILTER).to_hex();
    assert_eq!(
        manifest.text(),
        format!(
            "causeway policy manifest 1\ncontract {}\nname content-filter\nversion 0.1.0\ndigest {digest}\n",
            causeway_engine::policy::POLICY_CONTRACT
        )
    );
    assert!(policies(&data).manifest(b"no").is_err());
}

#[test]
fn only_what_a_trusted_key_signed_is_loaded_where_that_is_required() {
    let data = tempfile::tempdir().unwrap();
    let (ours, theirs) = (key(), key());
    let signed = signature(TESTING, &ours);
    let strict = trusting(&data, true, &[&ours]);
    for place in [Place::InForce, Place::Shadow] {
        assert!(refused(put(&strict, place, None)).contains("not signed"));
        let by_others = signature(TESTING, &theirs);
        let said = refused(put(&strict, place, Some(&by_others)));
        assert!(
            said.contains(&theirs.public().unwrap().to_string()),
            "{said}"
        );
        let of_another = signature(FILTER, &ours);
        let said = refused(put(&strict, place, Some(&of_another)));
        assert!(said.contains("content-filter 0.1.0"), "{said}");
    }
    assert!(strict.states().is_empty() && strict.shadows().is_empty());
    let change = put(&strict, Place::InForce, Some(&signed)).unwrap();
    strict.keep(change.kept).unwrap();
    let signer = strict.states()[0].signer.unwrap();
    assert_eq!(signer.key, ours.public().unwrap());
    assert!(signer.is_trusted);
}

#[test]
fn a_bad_signature_is_refused_although_none_is_required() {
    let data = tempfile::tempdir().unwrap();
    let lax = policies(&data);
    let signed = signature(TESTING, &key());
    let forged = signed.replace("version 0", "version 1");
    for bad in ["", "garbage", &forged, &"x".repeat(1 << 20)] {
        refused(put(&lax, Place::InForce, Some(bad)));
        refused(put(&lax, Place::Shadow, Some(bad)));
    }
    let change = put(&lax, Place::InForce, Some(&signed)).unwrap();
    lax.keep(change.kept).unwrap();
    assert!(!lax.states()[0].signer.unwrap().is_trusted);
}

#[test]
fn a_slot_whose_signer_is_no_longer_trusted_holds_until_they_are_again() {
    let data = tempfile::tempdir().unwrap();
    let ours = key();
    let signed = signature(TESTING, &ours);
    let strict = trusting(&data, true, &[&ours]);
    let change = put(&strict, Place::InForce, Some(&signed)).unwrap();
    let digest = change.chain.digest();
    strict.keep(change.kept).unwrap();

    let without = trusting(&data, true, &[]);
    let state = without.states().remove(0);
    assert!(!state.signer.unwrap().is_trusted);
    assert!(state.described.unwrap_err().contains("TrustedKeys"));
    let mut chain = without.open().unwrap();
    assert_eq!((chain.gates(), chain.digest()), (Gates::ALL, digest));
    let why = failure(chain.ask(&[post("x")]).remove(0));
    assert!(why.contains("TrustedKeys"), "{why}");
    assert!(without.set_enabled("one", true).is_err());

    let again = trusting(&data, true, &[&ours]);
    assert_eq!(denied(again.open().unwrap().ask(&[post("x")])), ["no"]);
}

#[test]
fn a_rollback_and_a_promotion_ask_for_the_signature_too() {
    let data = tempfile::tempdir().unwrap();
    let ours = key();
    let lax = policies(&data);
    load(&lax, "one", "allow", OnFailure::Hold);
    let signed = signature(TESTING, &ours);
    let change = put(&lax, Place::InForce, Some(&signed)).unwrap();
    lax.keep(change.kept).unwrap();
    let change = put(&lax, Place::Shadow, None).unwrap();
    lax.keep(change.kept).unwrap();

    let strict = trusting(&data, true, &[&ours]);
    assert!(strict.states()[0].described.is_ok());
    assert!(strict.shadows()[0].policy.described.is_err());
    assert!(refused(strict.rollback("one")).contains("not signed"));
    assert!(refused(strict.promote("one")).contains("not signed"));
    // Without the requirement it leads back, and then to the signed one again.
    lax.keep(lax.rollback("one").unwrap().kept).unwrap();
    assert_eq!(lax.states()[0].signer, None);
    lax.keep(lax.rollback("one").unwrap().kept).unwrap();
    assert!(
        trusting(&data, true, &[&ours]).states()[0]
            .described
            .is_ok()
    );
}
