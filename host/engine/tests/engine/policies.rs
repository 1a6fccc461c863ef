//! Policies as components: verdicts, failures, refusals and restarts.

use causeway_engine::policy::{
    ComponentPolicies, OnFailure, PolicyChain, PolicyError, PolicyManager, STEP_POLICY_FUEL,
};
use causeway_engine::runtime::{EMBEDDED_KERNEL, Sandbox};
use causeway_kernel::boundary::policy::{
    Audience, Context, Direction, Home, PostQuestion, Question, Revision, TextLeaf, Verdict,
};
use tempfile::TempDir;

static FILTER: &[u8] = include_bytes!(env!("CAUSEWAY_POLICY_CONTENT_FILTER"));
static TESTING: &[u8] = include_bytes!(env!("CAUSEWAY_POLICY_TESTING"));
static WASI: &[u8] = include_bytes!(env!("CAUSEWAY_POLICY_TESTING_WASI"));

fn policies(data: &TempDir) -> ComponentPolicies {
    let cache = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    ComponentPolicies::open(Sandbox::new(Some(&cache)).unwrap(), data.path()).unwrap()
}

/// A question about an outbound post.
pub fn post(message: &str) -> Question<'_> {
    with_texts(message, Some(Vec::new()))
}

/// A question about a post with texts in its properties.
fn with_texts(message: &str, texts: Option<Vec<TextLeaf>>) -> Question<'_> {
    Question::Post(PostQuestion {
        context: Context {
            direction: Direction::Outbound,
            connection_id: "cccccccccccccccccccccccccc",
            connection_name: "globex",
            channel_id: "dddddddddddddddddddddddddd",
            channel_name: "falcon",
            audience: Audience::Private,
            author_id: "ffffffffffffffffffffffffff",
            author_name: "ann",
            author_home: Home::Connected {
                id: "hhhhhhhhhhhhhhhhhhhhhhhhhh",
                name: "initech",
            },
            now_ms: 77,
        },
        id: "eeeeeeeeeeeeeeeeeeeeeeeeee",
        root_id: "",
        message,
        texts,
        kind: "",
        create_at: 1,
        is_edit: false,
    })
}

fn leaf(path: &str, text: &str) -> TextLeaf {
    TextLeaf {
        path: path.into(),
        text: text.into(),
    }
}

/// A verdict that revises the message alone.
fn message(text: &str) -> Verdict {
    Verdict::Revise(Revision::of_message(text.into()))
}

/// A component with one of its texts replaced by another one of the same length.
fn patched(component: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = component.to_vec();
    let mut found = 0;
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from.as_bytes()) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
            found += 1;
        }
    }
    assert_ne!(found, 0, "{from}");
    bytes
}

/// A component that claims another version of the contract.
fn built_for(version: &str) -> Vec<u8> {
    let mut component = TESTING.to_vec();
    for interface in ["context", "policy", "post-gate"] {
        let name = |version| format!("causeway:policy/{interface}@{version}");
        component = patched(&component, &name("0.2.0"), &name(version));
    }
    component
}

fn load(
    policies: &ComponentPolicies,
    name: &str,
    settings: &str,
    on_failure: OnFailure,
) -> Box<dyn PolicyChain> {
    let change = policies
        .load(name, TESTING.to_vec(), settings.into(), on_failure)
        .unwrap();
    policies.keep(change.kept).unwrap();
    change.chain
}

fn verdict_of(settings: &str, on_failure: OnFailure, text: &str) -> Verdict {
    let data = tempfile::tempdir().unwrap();
    load(&policies(&data), "testing", settings, on_failure)
        .ask(&[post(text)])
        .remove(0)
}

#[test]
fn the_content_filter_denies_what_its_list_names() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let loaded = policies.load("filter", FILTER.to_vec(), "salary".into(), OnFailure::Hold);
    let mut chain = loaded.unwrap().chain;
    let verdicts = chain.ask(&[post("good morning"), post("your Salary!")]);
    let denied = Verdict::Deny("the message contains \"salary\"".into());
    assert_eq!(verdicts, [Verdict::Allow, denied]);
    let refused = policies.load("filter", FILTER.to_vec(), "ok\nc++".into(), OnFailure::Hold);
    let refused = refused.err().unwrap();
    assert!(matches!(&refused, PolicyError::Settings(text) if text.contains("line 2")));
}

#[test]
fn a_denial_ends_the_chain_and_a_revised_text_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    load(&policies, "first", "append 1", OnFailure::Hold);
    let mut chain = load(&policies, "second", "append 2", OnFailure::Hold);
    assert_eq!(chain.ask(&[post("x")]), [message("x12")]);
    let mut chain = load(&policies, "first", "deny no", OnFailure::Hold);
    assert_eq!(chain.ask(&[post("x")]), [Verdict::Deny("no".into())]);
}

#[test]
fn a_policy_that_fails_holds_the_post_back_unless_its_slot_says_otherwise() {
    for settings in [
        "trap x",
        "loop",
        "grow",
        "recurse",
        "append ".to_owned().as_str(),
    ] {
        let held = verdict_of(settings, OnFailure::Hold, "x");
        if settings.starts_with("append") {
            assert_eq!(held, message("x"));
            continue;
        }
        assert!(matches!(held, Verdict::Failed(_)), "{settings}: {held:?}");
        assert_eq!(
            verdict_of(settings, OnFailure::Allow, "x"),
            Verdict::Allow,
            "{settings}"
        );
    }
    let Verdict::Failed(fuel) = verdict_of("loop", OnFailure::Hold, "x") else {
        panic!()
    };
    assert!(fuel.contains("fuel"), "{fuel}");
    let Verdict::Failed(memory) = verdict_of("grow", OnFailure::Hold, "x") else {
        panic!()
    };
    assert!(memory.contains("memory"), "{memory}");
}

#[test]
fn an_instance_lives_for_one_list_of_questions_or_until_it_traps() {
    let data = tempfile::tempdir().unwrap();
    let mut chain = load(&policies(&data), "testing", "count", OnFailure::Hold);
    let counted = chain.ask(&[post("a"), post("b")]);
    assert_eq!(
        counted,
        [Verdict::Deny("1".into()), Verdict::Deny("2".into())]
    );
    // The state for one connection is gone when it is asked about another.
    assert_eq!(chain.ask(&[post("c")]), [Verdict::Deny("1".into())]);
    let mut chain = load(&policies(&data), "testing", "trap x", OnFailure::Hold);
    let verdicts = chain.ask(&[post("a"), post("x"), post("b")]);
    assert!(matches!(
        verdicts[..],
        [Verdict::Allow, Verdict::Failed(_), Verdict::Allow]
    ));
}

#[test]
fn the_policies_have_so_much_fuel_in_a_step_and_what_it_does_not_suffice_for_is_held() {
    let data = tempfile::tempdir().unwrap();
    let mut chain = load(&policies(&data), "testing", "loop", OnFailure::Allow);
    let posts: Vec<Question<'static>> = (0..20).map(|_| post("x")).collect();
    chain.begin_step();
    let verdicts = chain.ask(&posts);
    assert_eq!(chain.fuel_used(), STEP_POLICY_FUEL);
    // A policy that fails lets posts pass, as its slot says; questions that are not asked do not.
    assert_eq!(verdicts[0], Verdict::Allow);
    assert!(matches!(&verdicts[19], Verdict::Failed(why) if why.contains("one step")));
    chain.begin_step();
    assert_eq!(chain.ask(&[post("x")]), [Verdict::Allow]);
}

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
    assert!(refused("a", WASI, "").contains("it imports wasi:"));
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
fn a_component_of_another_contract_is_refused_with_both_versions_and_a_patch_is_none() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let load = |component: Vec<u8>| {
        let change = policies.load("one", component, "deny no".into(), OnFailure::Hold)?;
        Ok::<_, PolicyError>(change.chain)
    };
    for version in ["0.1.0", "0.3.0"] {
        let said = load(built_for(version)).err().unwrap().to_string();
        assert!(
            said.contains(&format!("causeway:policy@{version}")),
            "{said}"
        );
        assert!(said.contains("causeway:policy@0.2.0"), "{said}");
        assert!(said.contains("rebuild it"), "{said}");
    }
    let mut chain = load(built_for("0.2.7")).unwrap();
    assert_eq!(chain.ask(&[post("x")]), [Verdict::Deny("no".into())]);
}

#[test]
fn a_slot_of_an_older_contract_stays_says_what_to_do_and_fails_until_it_is_swapped() {
    let data = tempfile::tempdir().unwrap();
    load(&policies(&data), "old", "allow", OnFailure::Hold);
    // What an update of the service finds.
    let older = built_for("0.1.0");
    let digest = blake3::hash(&older).to_hex().to_string();
    let folder = data.path().join("policies");
    std::fs::write(folder.join(format!("{digest}.wasm")), older).unwrap();
    let today = blake3::hash(TESTING).to_hex().to_string();
    let slots = std::fs::read(folder.join("slots")).unwrap();
    std::fs::write(folder.join("slots"), patched(&slots, &today, &digest)).unwrap();

    let policies = policies(&data);
    let state = policies.states().remove(0);
    let why = state.described.unwrap_err();
    assert!(why.contains("0.1.0") && why.contains("0.2.0"), "{why}");
    let mut chain = policies.open().unwrap();
    let held = chain.ask(&[post("x")]).remove(0);
    assert!(
        matches!(&held, Verdict::Failed(said) if said.contains("0.1.0")),
        "{held:?}"
    );
    let mut chain = load(&policies, "old", "allow", OnFailure::Hold);
    assert_eq!(chain.ask(&[post("x")]), [Verdict::Allow]);
    assert_eq!(
        policies.states().remove(0).described.unwrap().name,
        "testing"
    );
}

#[test]
fn what_a_component_has_no_gate_for_passes_by_it() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let other = patched(TESTING, "post-gate", "page-gate");
    let change = policies.load("page", other, "deny no".into(), OnFailure::Hold);
    let change = change.unwrap();
    policies.keep(change.kept).unwrap();
    let mut chain = change.chain;
    assert_eq!(chain.ask(&[post("x")]), [Verdict::Allow]);
    assert_eq!(chain.ask(&[with_texts("x", None)]), [Verdict::Allow]);
    let mut chain = load(&policies, "two", "append 2", OnFailure::Hold);
    assert_eq!(chain.ask(&[post("x")]), [message("x2")]);
    assert_eq!(
        policies.states()[0].described.as_ref().unwrap().gates,
        ["page-gate"]
    );
    // A component's description must match its exports.
    let lies = patched(
        TESTING,
        "causeway:policy/post-gate@",
        "causeway:policy/page-gate@",
    );
    let said = policies.load("lies", lies, String::new(), OnFailure::Hold);
    let said = said.err().unwrap().to_string();
    assert!(said.contains("page-gate"), "{said}");
}

#[test]
fn every_text_of_a_post_is_judged_and_can_be_revised() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let filter = policies.load("filter", FILTER.to_vec(), "salary".into(), OnFailure::Hold);
    let texts = || Some(vec![leaf("/a", "x"), leaf("/b/0", "the salary")]);
    let denied = Verdict::Deny("the text at /b/0 contains \"salary\"".into());
    assert_eq!(
        filter.unwrap().chain.ask(&[with_texts("x", texts())]),
        [denied]
    );

    load(&policies, "one", "append 1", OnFailure::Hold);
    let mut chain = load(&policies, "two", "append 2", OnFailure::Hold);
    let revised = Verdict::Revise(Revision {
        message: Some("x12".into()),
        texts: vec![leaf("/a", "x12"), leaf("/b/0", "the salary12")],
    });
    assert_eq!(chain.ask(&[with_texts("x", texts())]), [revised]);
    // If not all texts can be shown, the post is denied without asking.
    let unseen = chain.ask(&[with_texts("x", None)]).remove(0);
    assert!(matches!(unseen, Verdict::Deny(_)), "{unseen:?}");
}

#[test]
fn a_revision_of_what_the_post_does_not_have_is_a_failure() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let mut chain = load(&policies, "one", "rewrite /a", OnFailure::Hold);
    let texts = || Some(vec![leaf("/a", "x"), leaf("/a", "y"), leaf("/b", "z")]);
    let both = Verdict::Revise(Revision {
        message: None,
        texts: vec![leaf("/a", "rewritten")],
    });
    assert_eq!(chain.ask(&[with_texts("x", texts())]), [both]);
    let mut chain = load(&policies, "one", "rewrite /c", OnFailure::Hold);
    let failed = chain.ask(&[with_texts("x", texts())]).remove(0);
    assert!(matches!(&failed, Verdict::Failed(why) if why.contains("does not have")));
}

#[test]
fn a_policy_is_told_who_where_and_when() {
    let Verdict::Deny(said) = verdict_of("context", OnFailure::Hold, "x") else {
        panic!()
    };
    for part in [
        "Outbound",
        "globex",
        "Private",
        "ann",
        "initech",
        "time-ms: 77",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_question_of_an_earlier_kernel_is_answered_where_no_policy_is_loaded() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let post = post("x");
    let message = [Question::Message(post.post())];
    assert_eq!(policies.open().unwrap().ask(&message), [Verdict::Allow]);
    let mut chain = load(&policies, "one", "allow", OnFailure::Hold);
    assert!(matches!(chain.ask(&message)[..], [Verdict::Failed(_)]));
    let mut chain = load(&policies, "one", "allow", OnFailure::Allow);
    assert_eq!(chain.ask(&message), [Verdict::Allow]);
}
