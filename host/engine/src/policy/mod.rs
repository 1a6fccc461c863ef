//! The engine's interface to the policies. A chain answers questions while steps run; a manager
//! prepares new chains off the writer thread and keeps the slots on disk.

mod bindings;
mod candidate;
mod chain;
mod channel_gate;
mod component_files;
mod component_gate;
mod context;
mod contract;
mod counters;
mod direct_gate;
mod distribution;
mod exports;
mod file_gate;
mod guest;
mod info;
mod inquiry;
mod interfaces;
mod lines;
mod link;
mod loader;
mod member_gate;
mod mention_gate;
mod none;
mod post_gate;
mod preamble;
mod profile_gate;
mod reaction_gate;
mod shadow;
mod signature;
mod slot;
mod slots_file;
mod strikes;
mod wasi;

use causeway_kernel::boundary::policy::{Gates, Question, Verdict};

pub use candidate::{POLICIES_AT_ONCE, POLICY_BYTES_MAX, SETTINGS_BYTES_MAX, SLOTS_MAX};
pub use chain::STEP_POLICY_FUEL;
pub use component_files::UNREFERENCED_MAX;
pub use contract::{POLICY_FUEL, POLICY_MEMORY_MAX};
pub use counters::PolicyCounts;
pub use distribution::Distribution;
pub use info::{
    Candidate, Description, Inspection, OnFailure, Place, PolicyError, PolicyInfo, PolicyState,
    PreviousVersion,
};
pub use loader::{ComponentPolicies, RehearsalChains};
pub use none::NoPolicies;
pub use shadow::{Disagreement, Outcome, SHADOWS_MAX, ShadowCounts, ShadowState};
pub use signature::{
    KeyError, Manifest, PrivateKey, PublicKey, SIGNATURE_BYTES_MAX, Signer, Trust,
};
pub use strikes::{STRIKES_MAX, STRIKES_WINDOW_MS, SUSPENSION_MS};

/// The policies' contract: package and version. Components of the minor version before run, too.
pub const POLICY_CONTRACT: &str = "causeway:policy@0.3.1";

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

    /// The gates at which at least one policy decides or a shadow is to be asked; all of them, if one of the policies
    /// does not run.
    fn gates(&self) -> Gates;
}

/// Creates chains and keeps the slots; components are compiled on the caller's thread. Changes are
/// prepared and kept one after another: each builds on the one that was kept before.
pub trait PolicyManager: Send + Sync {
    /// The chain of the slots on disk. A slot whose component does not run in this release is kept
    /// and fails its questions: the service must not start with a gate missing.
    ///
    /// # Errors
    /// If the slots cannot be read.
    fn open(&self) -> Result<Box<dyn PolicyChain>, PolicyError>;

    /// Prepares a chain with a slot added at the end, or replaced, or with a shadow beside it; no slot on disk changes
    /// yet.
    ///
    /// # Errors
    /// If the component, its signature or its settings are refused.
    fn prepare(&self, candidate: &Candidate, place: Place) -> Result<PolicyChange, PolicyError>;

    /// Prepares a chain in which a shadow is in force, and no longer beside it; nothing on disk changes yet.
    ///
    /// # Errors
    /// If there is no shadow with that name, or it is refused as [`PolicyManager::prepare`] would.
    fn promote(&self, name: &str) -> Result<PolicyChange, PolicyError>;

    /// Prepares a chain without a slot; nothing on disk changes yet.
    ///
    /// # Errors
    /// If there is no slot with that name.
    fn unload(&self, name: &str) -> Result<PolicyChange, PolicyError>;

    /// Prepares a chain without a shadow beside it; nothing on disk changes yet.
    ///
    /// # Errors
    /// If there is no shadow with that name.
    fn unload_shadow(&self, name: &str) -> Result<PolicyChange, PolicyError>;

    /// Prepares a chain in which a slot is asked, or is not although it is kept; nothing on disk changes
    /// yet.
    ///
    /// # Errors
    /// If there is no slot with that name, or it is to be asked and does not run in this release.
    fn set_enabled(&self, name: &str, is_enabled: bool) -> Result<PolicyChange, PolicyError>;

    /// Prepares a chain with the slots in another order; nothing on disk changes yet.
    ///
    /// # Errors
    /// If the names are not those of all slots.
    fn reorder(&self, names: &[String]) -> Result<PolicyChange, PolicyError>;

    /// Prepares a chain in which a slot has the component and the settings that it had before its last
    /// change; doing this twice leads back to where it was. Nothing on disk changes yet.
    ///
    /// # Errors
    /// If there is no slot with that name, it has not changed yet, or its previous component does not
    /// run in this release.
    fn rollback(&self, name: &str) -> Result<PolicyChange, PolicyError>;

    /// Called once the change is in the journal: stores it on disk for the next start.
    ///
    /// # Errors
    /// If it cannot be written; the chain is still in force until the next start.
    fn keep(&self, change: KeptChange) -> Result<(), PolicyError>;

    /// The slots, in their order.
    fn states(&self) -> Vec<PolicyState>;

    /// The shadows.
    fn shadows(&self) -> Vec<ShadowState>;

    /// Looks at a component without loading it into a slot.
    ///
    /// # Errors
    /// If it is not a component, or too large.
    fn inspect(&self, component: &[u8]) -> Result<Inspection, PolicyError>;
}

/// A prepared change.
pub struct PolicyChange {
    /// The complete new chain.
    pub chain: Box<dyn PolicyChain>,
    /// Whether it is to take the place of the one in force; not if only the shadows beside it change.
    pub is_of_chain: bool,
    /// For [`PolicyManager::keep`].
    pub kept: KeptChange,
    /// Description for admins, recorded in the journal, e.g. `load content-filter`.
    pub what: String,
}

/// The slots after a change.
pub struct KeptChange {
    slots: slot::Slots,
}
