//! The engine's interface to the policies. A chain answers questions while steps run; a manager
//! prepares new chains off the writer thread and keeps the slots on disk.

mod chain;
mod contract;
mod loader;
mod post_gate;

pub use chain::STEP_POLICY_FUEL;
pub use contract::{POLICY_FUEL, POLICY_MEMORY_MAX};
pub use loader::{ComponentPolicies, POLICY_BYTES_MAX, SETTINGS_BYTES_MAX, SLOTS_MAX};

/// The policies' contract: package and version.
pub const POLICY_CONTRACT: &str = "causeway:policy@0.2.0";

#[allow(
    unsafe_code,
    missing_docs,
    reason = "generated: values cross the component's boundary by raw memory"
)]
mod bindings {
    // The exports of a component are looked up gate by gate; the world only lists them.
    wasmtime::component::bindgen!({
        world: "post-policy",
        path: "../../wit/policy",
    });
}

use causeway_kernel::boundary::policy::{Question, Verdict};
use serde::{Deserialize, Serialize};

/// The policies in force, asked in the order of their slots.
pub trait PolicyChain: Send {
    /// Called when a step begins: resets the fuel that its questions share.
    fn begin_step(&mut self) {}

    /// Fuel that the policies used since the step began.
    fn fuel_used(&self) -> u64 {
        0
    }

    /// One verdict for each question, in order; all questions concern one connection. Never panics
    /// and never blocks for longer than the policies' fuel lasts.
    fn ask(&mut self, questions: &[Question<'_>]) -> Vec<Verdict>;

    /// Digest of the chain (names, components, settings, behaviour on failure), in hexadecimal.
    fn digest(&self) -> String;
}

/// Creates chains and keeps the slots; components are compiled on the caller's thread.
pub trait PolicyManager: Send + Sync {
    /// The chain of the slots on disk. A slot whose component does not run in this release is kept
    /// and fails its questions: the service must not start with a gate missing.
    ///
    /// # Errors
    /// If the slots cannot be read.
    fn open(&self) -> Result<Box<dyn PolicyChain>, PolicyError>;

    /// Prepares a chain with a slot added or replaced; nothing on disk changes yet.
    ///
    /// # Errors
    /// If the component or its settings are refused.
    fn load(
        &self,
        name: &str,
        component: Vec<u8>,
        settings: String,
        on_failure: OnFailure,
    ) -> Result<PolicyChange, PolicyError>;

    /// Prepares a chain without a slot; nothing on disk changes yet.
    ///
    /// # Errors
    /// If there is no slot with that name.
    fn unload(&self, name: &str) -> Result<PolicyChange, PolicyError>;

    /// Called once the change is in the journal: stores it on disk for the next start.
    ///
    /// # Errors
    /// If it cannot be written; the chain is still in force until the next start.
    fn keep(&self, change: KeptChange) -> Result<(), PolicyError>;

    /// The slots in force, in their order.
    fn states(&self) -> Vec<PolicyState>;
}

/// A prepared change.
pub struct PolicyChange {
    /// The complete new chain.
    pub chain: Box<dyn PolicyChain>,
    /// For [`PolicyManager::keep`].
    pub kept: KeptChange,
    /// Description for admins, recorded in the journal, e.g. `load content-filter`.
    pub what: String,
}

/// The effect of a prepared change on the slots.
#[derive(Clone, Debug)]
pub struct KeptChange {
    /// Name of the slot.
    pub name: String,
    /// Its new content; `None` = the slot is removed.
    pub slot: Option<Slot>,
}

/// A slot of the chain.
#[derive(Clone, Debug)]
pub struct Slot {
    /// What the admin sees.
    pub info: PolicyInfo,
    /// The component.
    pub component: Vec<u8>,
}

/// A policy in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyInfo {
    /// Name of the slot.
    pub name: String,
    /// Digest of the component, in hexadecimal.
    pub digest: String,
    /// The settings given to it.
    pub settings: String,
    /// How its failures are handled.
    pub on_failure: OnFailure,
}

/// A policy's description of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The gates that it answers, by the names of their interfaces.
    pub gates: Vec<String>,
    /// A JSON schema of its settings; empty if they are not JSON.
    pub settings_schema: String,
}

/// A policy in force, and whether it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyState {
    /// What was loaded.
    pub info: PolicyInfo,
    /// Its description, or why it does not run in this release, and what to do about it.
    pub described: Result<Description, String>,
}

/// How a question is decided when its policy traps, runs out of fuel or is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// The object is held, and the question is asked again later.
    #[default]
    Hold,
    /// The object passes.
    Allow,
}

/// Why the policies cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The component is not a policy, or cannot be compiled.
    #[error("this component is not a policy that Causeway can run: {0}")]
    Component(String),
    /// The policy refused its settings.
    #[error("the policy refused its settings: {0}")]
    Settings(String),
    /// There is no slot with that name.
    #[error("there is no policy named {0:?}")]
    NotFound(String),
    /// The name is not valid for a slot.
    #[error("{0:?} is not a valid policy name")]
    Name(String),
    /// The slots could not be read or written.
    #[error("cannot read or write the policies' folder: {0}")]
    Disk(String),
    /// The engine could not accept the change now; try again.
    #[error(transparent)]
    Engine(#[from] crate::SubmitError),
}

/// A manager without policies: everything passes, nothing can be loaded.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPolicies;

/// The chain of [`NoPolicies`].
struct EmptyChain;

impl PolicyChain for EmptyChain {
    fn ask(&mut self, questions: &[Question<'_>]) -> Vec<Verdict> {
        questions.iter().map(|_| Verdict::Allow).collect()
    }

    fn digest(&self) -> String {
        String::new()
    }
}

impl PolicyManager for NoPolicies {
    fn open(&self) -> Result<Box<dyn PolicyChain>, PolicyError> {
        Ok(Box::new(EmptyChain))
    }

    fn load(
        &self,
        _name: &str,
        _component: Vec<u8>,
        _settings: String,
        _on_failure: OnFailure,
    ) -> Result<PolicyChange, PolicyError> {
        Err(PolicyError::Component("this build has no policies".into()))
    }

    fn unload(&self, name: &str) -> Result<PolicyChange, PolicyError> {
        Err(PolicyError::NotFound(name.into()))
    }

    fn keep(&self, _change: KeptChange) -> Result<(), PolicyError> {
        Ok(())
    }

    fn states(&self) -> Vec<PolicyState> {
        Vec::new()
    }
}
