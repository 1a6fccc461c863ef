//! Policies as components, and what these tests share.

mod contracts;
mod engine;
mod failures;
mod gates;
mod isolation;
mod shadows;
mod signatures;
mod slots;
mod verdicts;
mod wasi;

use causeway_engine::policy::{
    Candidate, ComponentPolicies, OnFailure, POLICY_CONTRACT, Place, PolicyChain, PolicyChange,
    PolicyCounts, PolicyError, PolicyManager,
};
use causeway_kernel::boundary::policy::{
    Audience, Context, Denial, Direction, Gate, Home, PostQuestion, Question, Revision, TextLeaf,
    Verdict,
};
use tempfile::TempDir;

use crate::support::policies_sandbox;

static FILTER: &[u8] = include_bytes!(env!("CAUSEWAY_POLICY_CONTENT_FILTER"));
static TESTING: &[u8] = include_bytes!(env!("CAUSEWAY_POLICY_TESTING"));
static WASI: &[u8] = include_bytes!(env!("CAUSEWAY_POLICY_TESTING_WASI"));
/// A component of the minor version of the contract before the current one.
static FILTER_V0_2: &[u8] =
    include_bytes!("../../../../../tests/fixtures/policies/content-filter-0.2.wasm");
/// A component of the first version of the current contract.
static TESTING_V0_3_0: &[u8] =
    include_bytes!("../../../../../tests/fixtures/policies/testing-0.3.0.wasm");

fn policies(data: &TempDir) -> ComponentPolicies {
    ComponentPolicies::open(policies_sandbox(), data.path()).unwrap()
}

/// Loads without a signature, as most of these tests do.
trait LoadUnsigned: PolicyManager {
    fn load(
        &self,
        name: &str,
        component: Vec<u8>,
        settings: String,
        on_failure: OnFailure,
    ) -> Result<PolicyChange, PolicyError> {
        let candidate = Candidate::unsigned(name, &component, &settings, on_failure);
        self.prepare(&candidate, Place::InForce)
    }
}

impl LoadUnsigned for ComponentPolicies {}

/// What a question about something in a channel begins with.
fn context(now_ms: i64) -> Context<'static> {
    Context {
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
        now_ms,
    }
}

/// A question about an outbound post.
pub fn post(message: &str) -> Question<'_> {
    with_texts(message, Some(Vec::new()))
}

/// A question about a post with texts in its properties.
fn with_texts(message: &str, texts: Option<Vec<TextLeaf>>) -> Question<'_> {
    post_at(77, message, texts)
}

/// A question of a step at this time.
fn post_at(now_ms: i64, message: &str, texts: Option<Vec<TextLeaf>>) -> Question<'_> {
    Question::Post(PostQuestion {
        context: context(now_ms),
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

/// The denial that a verdict is.
#[track_caller]
fn denial(verdict: Verdict) -> Denial {
    match verdict {
        Verdict::Deny(denial) => denial,
        other => panic!("{other:?}"),
    }
}

/// The texts of verdicts that are denials.
#[track_caller]
fn denied(verdicts: Vec<Verdict>) -> Vec<String> {
    verdicts.into_iter().map(|it| denial(it).text).collect()
}

/// Why the policies failed.
#[track_caller]
fn failure(verdict: Verdict) -> String {
    match verdict {
        Verdict::Failed(why) => why,
        other => panic!("{other:?}"),
    }
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
    let (_, ours) = POLICY_CONTRACT.split_once('@').unwrap();
    let mut component = TESTING.to_vec();
    let gates = Gate::ALL.map(Gate::interface);
    for interface in ["context", "log", "policy"].iter().chain(&gates) {
        let name = |version| format!("causeway:policy/{interface}@{version}");
        component = patched(&component, &name(ours), &name(version));
    }
    component
}

/// Has every slot with the testing policy contain a component of an older contract, as an update of
/// the service may find it.
fn age(data: &TempDir) {
    let older = built_for("0.1.0");
    let digest = |component| blake3::hash(component).to_hex().to_string();
    let folder = data.path().join("policies");
    let (today, then) = (digest(TESTING), digest(&older));
    std::fs::write(folder.join(format!("{then}.wasm")), older).unwrap();
    let slots = std::fs::read(folder.join("slots")).unwrap();
    std::fs::write(folder.join("slots"), patched(&slots, &today, &then)).unwrap();
}

/// A chain with the testing policy in a slot, which is kept.
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

/// What the first slot has done.
fn counts(policies: &ComponentPolicies) -> PolicyCounts {
    policies.states()[0].counts
}
