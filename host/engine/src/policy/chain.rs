//! The chain of policy components: every question goes through the slots in their order.
//!
//! An instance lives for one list of questions, which all concern one connection. So a policy that
//! keeps state cannot carry text from one connection to another, or from one step to the next. The
//! contract requires a fresh instance to answer the same, so nothing is lost; the cost is one
//! instantiation per slot and list. An instance per connection would cost the memory of all of them
//! and would still carry text from channel to channel.

use std::sync::Arc;

use causeway_kernel::boundary::policy::{Question, Verdict};
use wasmtime::Store;

use super::contract::{Gates, Instance, POLICY_FUEL, Policy};
use super::{Description, OnFailure, PolicyChain, PolicyInfo, post_gate};
use crate::runtime::sandbox::{MemoryCap, refill, stop};

/// Why a question about a message alone cannot be answered.
const MESSAGE_ONLY: &str = "a kernel of an earlier release asks about a post's message alone";

/// A slot: what an admin loaded, and the result.
pub(super) struct Loaded {
    pub info: PolicyInfo,
    pub component: Arc<[u8]>,
    /// The policy and its description, or why a component that an earlier release loaded does not
    /// run in this one. Such a slot is kept, and fails every question.
    pub policy: Result<(Policy, Description), String>,
}

/// Fuel for all questions of one step; questions left when it is used up fail and are asked again
/// later. It lets a chain of sixteen slots that each use a twentieth of a decision's limit judge five
/// posts, and a chain of ordinary slots some thousands.
pub const STEP_POLICY_FUEL: u64 = 4 * POLICY_FUEL;

/// The reason for failing a question when the step's fuel is used up.
pub(super) const STEP_FUEL_USED_UP: &str =
    "the policies have used up what they may in one step; this is asked again";

/// A slot in force, with its instance while a list of questions is answered.
pub(super) struct Link {
    loaded: Arc<Loaded>,
    instance: Option<Instance>,
}

/// The slots in force.
pub(super) struct ComponentChain {
    links: Vec<Link>,
    digest: String,
    /// The remaining fuel of the step.
    fuel: u64,
}

impl ComponentChain {
    pub(super) fn new(slots: &[Arc<Loaded>]) -> ComponentChain {
        let links = slots.iter().map(|loaded| Link {
            loaded: Arc::clone(loaded),
            instance: None,
        });
        ComponentChain {
            links: links.collect(),
            digest: digest(slots),
            fuel: STEP_POLICY_FUEL,
        }
    }

    fn judge(&mut self, question: &Question<'_>) -> Verdict {
        match question {
            Question::Post(post) => post_gate::judge(&mut self.links, &mut self.fuel, post),
            Question::Message(_) => self
                .links
                .iter()
                .find_map(|link| link.failed(MESSAGE_ONLY))
                .unwrap_or(Verdict::Allow),
        }
    }
}

/// Every field is prefixed with its length, so that no two chains have the same bytes.
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
    fn begin_step(&mut self) {
        self.fuel = STEP_POLICY_FUEL;
    }

    fn fuel_used(&self) -> u64 {
        STEP_POLICY_FUEL.saturating_sub(self.fuel)
    }

    fn ask(&mut self, questions: &[Question<'_>]) -> Vec<Verdict> {
        let verdicts = questions.iter().map(|it| self.judge(it)).collect();
        for link in &mut self.links {
            link.instance = None;
        }
        verdicts
    }

    fn digest(&self) -> String {
        self.digest.clone()
    }
}

impl Link {
    /// Whether it is to be asked about posts. A policy that does not run counts as one that is, since
    /// it is unknown what it would have held back.
    pub(super) fn judges_posts(&self) -> bool {
        let policy = self.loaded.policy.as_ref();
        policy.map_or(true, |(policy, _)| policy.judges_posts())
    }

    /// Calls a gate of the policy, limited by the remaining fuel of the step.
    pub(super) fn call<A>(
        &mut self,
        fuel: &mut u64,
        gate: impl FnOnce(&Gates, &mut Store<MemoryCap>) -> wasmtime::Result<A>,
    ) -> Result<A, String> {
        let Loaded { info, policy, .. } = self.loaded.as_ref();
        let (policy, _) = policy.as_ref().map_err(String::clone)?;
        let mut instance = match self.instance.take() {
            Some(instance) => instance,
            None => {
                let given = POLICY_FUEL.min(*fuel);
                let made = policy.instance(&info.settings, given);
                let left = match &made {
                    Ok(Ok(instance)) => instance.store.get_fuel().unwrap_or(0),
                    _ => 0,
                };
                take(fuel, given, left);
                made??
            }
        };
        let Instance { store, gates } = &mut instance;
        let given = POLICY_FUEL.min(*fuel);
        let answer = refill(store, given).and_then(|()| gate(gates, store));
        take(fuel, given, store.get_fuel().unwrap_or(0));
        match answer {
            Ok(answer) => {
                self.instance = Some(instance);
                Ok(answer)
            }
            // The instance cannot be entered again: it is dropped with its store.
            Err(error) => Err(stop(&error, store.data()).1),
        }
    }

    /// The verdict for a failure of this slot; `None` = the question goes on to the next slot.
    pub(super) fn failed(&self, why: &str) -> Option<Verdict> {
        let name = &self.loaded.info.name;
        tracing::warn!(policy = %name, %why, "a policy failed");
        match self.loaded.info.on_failure {
            OnFailure::Hold => Some(Verdict::Failed(format!("{name}: {why}"))),
            OnFailure::Allow => None,
        }
    }
}

/// Deducts the fuel that a call used from the step's.
fn take(fuel: &mut u64, given: u64, left: u64) {
    *fuel = fuel.saturating_sub(given.saturating_sub(left));
}
