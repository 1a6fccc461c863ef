//! What admins learn of policies: the slots, their state, and why a change is refused.

use serde::{Deserialize, Serialize};

use super::counters::PolicyCounts;
use super::signature::Signer;

/// A slot. Its encoding is that of the slots file.
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
    /// Whether it is asked; a slot that is not is kept as it is.
    pub is_enabled: bool,
    /// What the slot had before its last change, for a rollback.
    pub previous: Option<PreviousVersion>,
    /// Its signature file; `None` = it is not signed.
    pub signature: Option<String>,
}

/// What a slot had before its last change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousVersion {
    /// Digest of the component, in hexadecimal.
    pub digest: String,
    /// The settings given to it.
    pub settings: String,
    /// How its failures were handled.
    pub on_failure: OnFailure,
    /// Its signature file.
    pub signature: Option<String>,
}

/// A policy that is to get into a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Name of the slot.
    pub name: String,
    /// The component.
    pub component: Vec<u8>,
    /// The settings given to it.
    pub settings: String,
    /// How its failures are handled.
    pub on_failure: OnFailure,
    /// Its signature file; `None` = it is not signed.
    pub signature: Option<String>,
}

impl Candidate {
    /// One that is not signed.
    #[must_use]
    pub fn unsigned(
        name: &str,
        component: &[u8],
        settings: &str,
        on_failure: OnFailure,
    ) -> Candidate {
        Candidate {
            name: name.into(),
            component: component.into(),
            settings: settings.into(),
            on_failure,
            signature: None,
        }
    }
}

/// Where a candidate is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Into its slot: it decides.
    InForce,
    /// Beside the chain, as the shadow of its slot: what it would change is counted.
    Shadow,
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

/// A slot, whether its policy runs, and what it has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyState {
    /// The slot.
    pub info: PolicyInfo,
    /// Its description, or why it does not run in this release, and what to do about it.
    pub described: Result<Description, String>,
    /// What it holds back with its settings, in words for the people of a channel; at most 16 sentences
    /// of 300 bytes.
    pub rules: Vec<String>,
    /// What it has done since the service started.
    pub counts: PolicyCounts,
    /// Who signed it; `None` = nobody.
    pub signer: Option<Signer>,
}

/// What a component is, as far as that can be told without loading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Its digest, in hexadecimal.
    pub digest: String,
    /// Its size.
    pub size_bytes: usize,
    /// The names of its imports.
    pub imports: Vec<String>,
    /// The names of its exports.
    pub exports: Vec<String>,
    /// Its description, or why it does not run here.
    pub described: Result<Description, String>,
    /// Its rules with the least settings (`{}` if they are JSON, else none), or why it does not take
    /// those.
    pub rules: Result<Vec<String>, String>,
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
    /// There is no shadow with that name.
    #[error("there is no shadow named {0:?}: `causeway policy load --shadow` makes one")]
    NoShadow(String),
    /// The signature is missing or not accepted.
    #[error("this policy is refused for its signature: {0}")]
    Signature(String),
    /// The name is not valid for a slot.
    #[error("{0:?} is not a valid policy name")]
    Name(String),
    /// A new order does not consist of the slots.
    #[error("the new order must name each policy exactly once")]
    Order,
    /// The slot has not changed since it was first loaded.
    #[error("the policy {0:?} has no previous version")]
    NoPrevious(String),
    /// The slots could not be read or written.
    #[error("cannot read or write the policies' folder: {0}")]
    Disk(String),
    /// The engine could not accept the change now; try again.
    #[error(transparent)]
    Engine(#[from] crate::SubmitError),
}

impl PolicyError {
    /// What is wrong with a component or its settings, for [`PolicyError::Component`].
    pub(super) fn reason(self) -> String {
        match self {
            PolicyError::Component(why) | PolicyError::Signature(why) => why,
            PolicyError::Settings(why) => format!("it refuses its settings: {why}"),
            other => other.to_string(),
        }
    }

    pub(super) fn of_disk(error: &std::io::Error) -> PolicyError {
        PolicyError::Disk(error.to_string())
    }
}
