//! Policies as components: verdicts, failures, what is refused, and what a restart finds.

use causeway_engine::policy::{
    ComponentPolicies, OnFailure, PolicyChain, PolicyError, PolicyManager,
};
use causeway_engine::runtime::{EMBEDDED_KERNEL, Sandbox};
use causeway_kernel::boundary::policy::{Direction, PostQuestion, Question, Verdict};
use tempfile::TempDir;

static FILTER: &[u8] = include_bytes!(env!("CAUSEWAY_POLICY_CONTENT_FILTER"));
static TESTING: &[u8] = include_bytes!(env!("CAUSEWAY_POLICY_TESTING"));
static WASI: &[u8] = include_bytes!(env!("CAUSEWAY_POLICY_TESTING_WASI"));

fn policies(data: &TempDir) -> ComponentPolicies {
    let cache = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    ComponentPolicies::open(Sandbox::new(Some(&cache)).unwrap(), data.path()).unwrap()
}

/// A question about a post on its way out.
pub fn post(message: &str) -> Question<'_> {
    Question::Post(PostQuestion {
        direction: Direction::Outbound,
        connection_id: "cccccccccccccccccccccccccc",
        connection_name: "globex",
        channel_id: "dddddddddddddddddddddddddd",
        channel_name: "falcon",
        post_id: "eeeeeeeeeeeeeeeeeeeeeeeeee",
        root_id: "",
        author_id: "ffffffffffffffffffffffffff",
        author_name: "ann",
        message,
        post_type: "",
        create_at: 1,
        is_edit: false,
    })
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

fn verdict_of(settings: &str, on_failure: OnFailure, message: &str) -> Verdict {
    let data = tempfile::tempdir().unwrap();
    load(&policies(&data), "testing", settings, on_failure)
        .ask(&[post(message)])
        .remove(0)
}

#[test]
fn the_content_filter_denies_what_its_list_names() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let loaded = policies.load("filter", FILTER.to_vec(), "salary".into(), OnFailure::Hold);
    let mut chain = loaded.unwrap().chain;
    let verdicts = chain.ask(&[post("good morning"), post("your Salary!")]);
    let denied = Verdict::Deny("the message holds \"salary\"".into());
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
    assert_eq!(chain.ask(&[post("x")]), [Verdict::Revise("x12".into())]);
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
            assert_eq!(held, Verdict::Revise("x".into()));
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
fn instances_stay_warm_until_one_traps() {
    let data = tempfile::tempdir().unwrap();
    let mut chain = load(&policies(&data), "testing", "count", OnFailure::Hold);
    let counted = chain.ask(&[post("a"), post("b")]);
    assert_eq!(
        counted,
        [Verdict::Deny("1".into()), Verdict::Deny("2".into())]
    );
    let mut chain = load(&policies(&data), "testing", "trap x", OnFailure::Hold);
    let verdicts = chain.ask(&[post("a"), post("x"), post("b")]);
    assert!(matches!(
        verdicts[..],
        [Verdict::Allow, Verdict::Failed(_), Verdict::Allow]
    ));
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
    assert!(refused("a", EMBEDDED_KERNEL, "").contains("does not export causeway:policy"));
    assert!(refused("a", WASI, "").contains("it imports wasi:"));
    assert!(refused("a", b"nonsense", "").contains("not a policy"));
    assert!(refused("a", TESTING, "refuse too sweet").ends_with("too sweet"));
    assert!(refused("a", TESTING, "trap-configure").contains("unreachable"));
    assert!(refused("../a", TESTING, "").contains("name"));
    assert!(policies.infos().is_empty());
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
    assert_eq!(again.infos(), first.infos());
    let mut reopened = again.open().unwrap();
    assert_eq!(reopened.digest(), chain.digest());
    assert_eq!(reopened.ask(&[post("x")]), [Verdict::Revise("x12".into())]);
    let change = again.unload("one").unwrap();
    assert_eq!(change.what, "unload one");
    assert_ne!(change.chain.digest(), chain.digest());
    again.keep(change.kept).unwrap();
    assert_eq!(policies(&data).infos().len(), 1);
}
