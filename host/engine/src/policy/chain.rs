//! The chain of policy components: every question goes through the slots in their order.

use std::sync::Arc;

use causeway_kernel::boundary::policy::{Question, Verdict};
use wasmtime::Store;

use super::contract::{Gates, Instance, POLICY_FUEL, Policy};
use super::{Description, OnFailure, PolicyChain, PolicyInfo, post_gate};
use crate::runtime::sandbox::{MemoryCap, refill, stop};

/// Why a question about a message alone has no answer.
const MESSAGE_ONLY: &str = "a kernel of an earlier release asks about a post's message alone";

/// A slot: what an admin loaded, and what came of it.
pub(super) struct Loaded {
    pub info: PolicyInfo,
    pub component: Arc<[u8]>,
    /// The policy and what it says of itself; the error is why a component that an earlier release
    /// loaded does not run here. Such a slot stays, and fails whatever it is asked.
    pub policy: Result<(Policy, Description), String>,
}

/// A slot in force, with an instance kept warm.
pub(super) struct Link {
    loaded: Arc<Loaded>,
    warm: Option<Instance>,
}

/// The slots in force.
pub(super) struct ComponentChain {
    links: Vec<Link>,
    digest: String,
}

impl ComponentChain {
    pub(super) fn new(slots: &[Arc<Loaded>]) -> ComponentChain {
        let links = slots.iter().map(|loaded| Link {
            loaded: Arc::clone(loaded),
            warm: None,
        });
        ComponentChain {
            links: links.collect(),
            digest: digest(slots),
        }
    }

    fn judge(&mut self, question: &Question<'_>) -> Verdict {
        match question {
            Question::Post(post) => post_gate::judge(&mut self.links, post),
            Question::Message(_) => self
                .links
                .iter()
                .find_map(|link| link.failed(MESSAGE_ONLY))
                .unwrap_or(Verdict::Allow),
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

impl PolicyChain for ComponentChain {
    fn ask(&mut self, questions: &[Question<'_>]) -> Vec<Verdict> {
        questions.iter().map(|it| self.judge(it)).collect()
    }

    fn digest(&self) -> String {
        self.digest.clone()
    }
}

impl Link {
    /// Whether it is to be asked about posts. One that does not run is, as nobody knows what it
    /// would have kept back.
    pub(super) fn judges_posts(&self) -> bool {
        let policy = self.loaded.policy.as_ref();
        policy.map_or(true, |(policy, _)| policy.judges_posts())
    }

    /// Calls a gate of the policy.
    pub(super) fn call<A>(
        &mut self,
        gate: impl FnOnce(&Gates, &mut Store<MemoryCap>) -> wasmtime::Result<A>,
    ) -> Result<A, String> {
        let Loaded { info, policy, .. } = self.loaded.as_ref();
        let (policy, _) = policy.as_ref().map_err(String::clone)?;
        let mut instance = match self.warm.take() {
            Some(instance) => instance,
            None => policy.instance(&info.settings)??,
        };
        let Instance { store, gates } = &mut instance;
        let answer = refill(store, POLICY_FUEL).and_then(|()| gate(gates, store));
        match answer {
            Ok(answer) => {
                self.warm = Some(instance);
                Ok(answer)
            }
            // The instance cannot be entered again: it goes with its store.
            Err(error) => Err(stop(&error, store.data()).1),
        }
    }

    /// What a failure of this slot means; `None` = the question goes on.
    pub(super) fn failed(&self, why: &str) -> Option<Verdict> {
        let name = &self.loaded.info.name;
        tracing::warn!(policy = %name, %why, "a policy failed");
        match self.loaded.info.on_failure {
            OnFailure::Hold => Some(Verdict::Failed(format!("{name}: {why}"))),
            OnFailure::Allow => None,
        }
    }
}
