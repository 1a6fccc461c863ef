//! The chain of policy components: every question goes through the slots in their order; the
//! first denial ends it, and a revised text is what the next slot sees.

use std::sync::Arc;

use causeway_kernel::boundary::policy::{Direction as Way, PostQuestion, Question, Verdict};
use wasmtime::Store;

use super::{OnFailure, PolicyChain, PolicyInfo};
use crate::runtime::sandbox::{MemoryCap, refill, stop};
use bindings::exports::causeway::policy::post_gate::{
    Connection, Direction, Post, Verdict as Answer,
};

#[allow(
    unsafe_code,
    missing_docs,
    reason = "generated: values cross the component's boundary by raw memory"
)]
pub(super) mod bindings {
    wasmtime::component::bindgen!({
        world: "post-policy",
        path: "../../wit/policy",
    });
}

/// Fuel of one decision, and of taking the settings: well under a second of computation.
pub const POLICY_FUEL: u64 = 500_000_000;

/// Bytes of memory that a policy may have.
pub const POLICY_MEMORY_MAX: usize = 128 << 20;

/// Bytes of a reason; what is beyond is cut off.
const REASON_BYTES_MAX: usize = 1_000;

/// Bytes of a revised message: four for each of a post's 16,383 characters.
const REVISED_BYTES_MAX: usize = 4 * 16_383;

/// A policy that was loaded, compiled and checked.
pub(super) struct Loaded {
    pub info: PolicyInfo,
    pub component: Arc<[u8]>,
    pub pre: bindings::PostPolicyPre<MemoryCap>,
}

/// An instance that took its settings.
pub(super) struct Instance {
    store: Store<MemoryCap>,
    policy: bindings::PostPolicy,
}

impl Loaded {
    /// A fresh instance with its settings; the inner error is the policy's own.
    pub(super) fn instance(&self) -> Result<Result<Instance, String>, String> {
        let mut store = Store::new(self.pre.engine(), MemoryCap::new(POLICY_MEMORY_MAX));
        store.limiter(|cap| cap);
        let configured = refill(&mut store, POLICY_FUEL).and_then(|()| {
            let policy = self.pre.instantiate(&mut store)?;
            let gate = policy.causeway_policy_post_gate();
            let answer = gate.call_configure(&mut store, &self.info.settings)?;
            Ok((policy, answer))
        });
        match configured {
            Ok((policy, Ok(()))) => Ok(Ok(Instance { store, policy })),
            Ok((_, Err(text))) => Ok(Err(cut(text, REASON_BYTES_MAX))),
            Err(error) => Err(stop(&error, store.data()).1),
        }
    }
}

struct Link {
    loaded: Arc<Loaded>,
    warm: Option<Instance>,
}

/// The slots in force, each with an instance kept warm.
pub(super) struct Chain {
    links: Vec<Link>,
    digest: String,
}

impl Chain {
    pub(super) fn new(slots: &[Arc<Loaded>]) -> Chain {
        let links = slots.iter().map(|loaded| Link {
            loaded: Arc::clone(loaded),
            warm: None,
        });
        Chain {
            links: links.collect(),
            digest: digest(slots),
        }
    }
}

/// Every field with its length in front, so that no two chains have the same bytes.
fn digest(slots: &[Arc<Loaded>]) -> String {
    let mut hasher = blake3::Hasher::new();
    for slot in slots {
        let on_failure = match slot.info.on_failure {
            OnFailure::Hold => "hold",
            OnFailure::Allow => "allow",
        };
        for field in [
            &slot.info.name,
            &slot.info.digest,
            &slot.info.settings,
            on_failure,
        ] {
            hasher.update(&(field.len() as u64).to_be_bytes());
            hasher.update(field.as_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

impl PolicyChain for Chain {
    fn ask(&mut self, questions: &[Question<'_>]) -> Vec<Verdict> {
        let judge = |Question::Post(post): &Question<'_>| judge(&mut self.links, post);
        questions.iter().map(judge).collect()
    }

    fn digest(&self) -> String {
        self.digest.clone()
    }
}

fn judge(links: &mut [Link], post: &PostQuestion<'_>) -> Verdict {
    let mut revised: Option<String> = None;
    for link in links {
        let message = revised.as_deref().unwrap_or(post.message);
        match link.decide(post, message) {
            Ok(Answer::Allow) => {}
            Ok(Answer::Deny(reason)) => return Verdict::Deny(cut(reason, REASON_BYTES_MAX)),
            Ok(Answer::Revise(text)) if text.len() <= REVISED_BYTES_MAX => revised = Some(text),
            Ok(Answer::Revise(_)) => {
                if let Some(failed) = link.failed("its revised text is too long") {
                    return failed;
                }
            }
            Err(why) => {
                if let Some(failed) = link.failed(&why) {
                    return failed;
                }
            }
        }
    }
    revised.map_or(Verdict::Allow, Verdict::Revise)
}

impl Link {
    fn decide(&mut self, post: &PostQuestion<'_>, message: &str) -> Result<Answer, String> {
        let mut instance = match self.warm.take() {
            Some(instance) => instance,
            None => self.loaded.instance()??,
        };
        let store = &mut instance.store;
        let decided = refill(store, POLICY_FUEL).and_then(|()| {
            let gate = instance.policy.causeway_policy_post_gate();
            let (direction, connection, post) = arguments(post, message);
            gate.call_decide(&mut *store, direction, &connection, &post)
        });
        match decided {
            Ok(answer) => {
                self.warm = Some(instance);
                Ok(answer)
            }
            // The instance cannot be entered again: it goes with its store.
            Err(error) => Err(stop(&error, store.data()).1),
        }
    }

    /// What a failure of this slot means; `None` = the question goes on.
    fn failed(&self, why: &str) -> Option<Verdict> {
        let name = &self.loaded.info.name;
        tracing::warn!(policy = %name, %why, "a policy failed");
        match self.loaded.info.on_failure {
            OnFailure::Hold => Some(Verdict::Failed(format!("{name}: {why}"))),
            OnFailure::Allow => None,
        }
    }
}

fn arguments(question: &PostQuestion<'_>, message: &str) -> (Direction, Connection, Post) {
    let direction = match question.direction {
        Way::Inbound => Direction::Inbound,
        Way::Outbound => Direction::Outbound,
    };
    let connection = Connection {
        id: question.connection_id.to_owned(),
        name: question.connection_name.to_owned(),
    };
    let post = Post {
        id: question.post_id.to_owned(),
        channel_id: question.channel_id.to_owned(),
        channel_name: question.channel_name.to_owned(),
        root_id: question.root_id.to_owned(),
        author_id: question.author_id.to_owned(),
        author_name: question.author_name.to_owned(),
        message: message.to_owned(),
        post_type: question.post_type.to_owned(),
        create_at_ms: question.create_at,
        is_edit: question.is_edit,
    };
    (direction, connection, post)
}

fn cut(mut text: String, bytes_max: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes_max));
    text
}
