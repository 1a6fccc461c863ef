//! Prepares what is to get into a slot: the component is compiled and checked, with its signature and its settings.

use std::sync::Arc;

use super::contract::{Policy, check_settings};
use super::counters::Counters;
use super::guest::Guest;
use super::loader::ComponentPolicies;
use super::signature::Manifest;
use super::slot::{Program, Slot, Slots};
use super::{
    Candidate, Description, OnFailure, PolicyError, PolicyInfo, PreviousVersion, preamble,
};
use crate::runtime::compiler_limits::{self, CompilerLimits};

/// Maximum bytes of a policy component; one in Python has some 18 MB.
pub const POLICY_BYTES_MAX: usize = 32 << 20;

/// Maximum functions of a policy component.
pub const POLICY_FUNCTIONS_MAX: u32 = 100_000;

/// Maximum bytes of a policy's settings.
pub const SETTINGS_BYTES_MAX: usize = 256 << 10;

/// Maximum slots of a chain; every question passes through all of them, and each may hold a policy's memory while
/// a list of questions is answered.
pub const SLOTS_MAX: usize = 16;

/// Components that have an instance at the same time: those of the chain, those of a chain with a shadow, and one
/// that is being prepared.
pub const POLICIES_AT_ONCE: u32 = 2 * SLOTS_MAX as u32 + 2;

/// Maximum bytes of a slot's name.
const NAME_BYTES_MAX: usize = 64;

impl ComponentPolicies {
    /// The slot that a candidate is to have in a chain. What it counts goes on from `counters`.
    pub(super) fn slot_of(
        &self,
        slots: &Slots,
        candidate: &Candidate,
        counters: Arc<Counters>,
    ) -> Result<Slot, PolicyError> {
        let Candidate {
            name,
            component,
            settings,
            on_failure,
            signature,
        } = candidate;
        check_name(name)?;
        if settings.len() > SETTINGS_BYTES_MAX {
            let kibibytes = SETTINGS_BYTES_MAX >> 10;
            return Err(PolicyError::Settings(format!(
                "they exceed {kibibytes} KiB"
            )));
        }
        let before = slots.in_force.iter().find(|slot| slot.info.name == *name);
        if before.is_none() && slots.in_force.len() >= SLOTS_MAX {
            return Err(PolicyError::Component(format!(
                "there are {SLOTS_MAX} policies already"
            )));
        }
        let guest = || Guest::outside_steps(name, &counters);
        let program = self.program(component, settings, signature.as_deref(), guest)?;
        let digest = digest_of(component);
        let info = PolicyInfo {
            name: name.clone(),
            on_failure: *on_failure,
            is_enabled: before.is_none_or(|slot| slot.info.is_enabled),
            previous: before.and_then(|slot| previous_of(slot, &digest, (settings, *on_failure))),
            digest,
            settings: settings.clone(),
            signature: signature.clone(),
        };
        Ok(self.slot(info, Ok(program), counters))
    }

    /// A slot with what is known of its signature.
    pub(super) fn slot(
        &self,
        info: PolicyInfo,
        program: Result<Arc<Program>, String>,
        counters: Arc<Counters>,
    ) -> Slot {
        let file = info.signature.as_deref();
        Slot {
            signer: file.and_then(|file| self.trust.signer(file)),
            info,
            program,
            counters,
        }
    }

    /// A slot as it is found on disk. A component that is gone or damaged, does not run in this release or is no longer
    /// accepted closes its gate, and the service starts.
    pub(super) fn found(&self, info: PolicyInfo) -> Slot {
        let counters = Arc::default();
        let guest = || Guest::outside_steps(&info.name, &counters);
        let signature = info.signature.as_deref();
        let program = self
            .components
            .read(&info.digest)
            .and_then(|component| self.accepted(&component, signature, guest()))
            .and_then(|it| configured(it, &info.settings, guest()));
        let program = program.map_err(|error| {
            tracing::warn!(policy = %info.name, %error, "a loaded policy does not run");
            error.reason()
        });
        self.slot(info, program, counters)
    }

    /// A component with settings that is to be put in force now.
    pub(super) fn program(
        &self,
        component: &[u8],
        settings: &str,
        signature: Option<&str>,
        guest: impl Fn() -> Guest,
    ) -> Result<Arc<Program>, PolicyError> {
        let _one_at_a_time = self.preparing();
        let accepted = self.accepted(component, signature, guest())?;
        check_settings(&accepted.1, settings)?;
        configured(accepted, settings, guest())
    }

    /// Compiles and checks a component, and its signature.
    fn accepted(
        &self,
        component: &[u8],
        signature: Option<&str>,
        guest: Guest,
    ) -> Result<(Policy, Description), PolicyError> {
        let (policy, description) = self.described(component, guest)?;
        self.trust
            .check(signature, &manifest(&policy, &description, component))
            .map_err(PolicyError::Signature)?;
        Ok((policy, description))
    }

    /// Compiles and checks a component, and has it describe itself.
    pub(super) fn described(
        &self,
        component: &[u8],
        guest: Guest,
    ) -> Result<(Policy, Description), PolicyError> {
        check_file(component)?;
        let policy = Policy::compile(&self.sandbox, component)?;
        let description = policy.describe(guest).map_err(PolicyError::Component)?;
        Ok((policy, description))
    }
}

/// What a signer states about a component.
pub(super) fn manifest(policy: &Policy, description: &Description, component: &[u8]) -> Manifest {
    Manifest {
        contract: policy.package.clone(),
        name: description.name.clone(),
        version: description.version.clone(),
        digest: digest_of(component),
    }
}

/// Configures a policy once, and asks for its rules.
fn configured(
    (policy, description): (Policy, Description),
    settings: &str,
    guest: Guest,
) -> Result<Arc<Program>, PolicyError> {
    let rules = policy.rules(settings, guest)?;
    Ok(Arc::new(Program {
        policy,
        description,
        rules,
    }))
}

/// What a slot can be rolled back to once something of it changes.
fn previous_of(
    before: &Slot,
    digest: &str,
    (settings, on_failure): (&str, OnFailure),
) -> Option<PreviousVersion> {
    let info = &before.info;
    if (&*info.digest, &*info.settings, info.on_failure) == (digest, settings, on_failure) {
        return before.info.previous.clone();
    }
    Some(before.version())
}

pub(super) fn check_file(component: &[u8]) -> Result<(), PolicyError> {
    preamble::check(component)?;
    let limits = CompilerLimits {
        component_bytes: POLICY_BYTES_MAX,
        functions: POLICY_FUNCTIONS_MAX,
    };
    compiler_limits::check(component, limits).map_err(PolicyError::Component)
}

fn check_name(name: &str) -> Result<(), PolicyError> {
    let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_plain) {
        return Err(PolicyError::Name(name.into()));
    }
    Ok(())
}

pub(super) fn digest_of(component: &[u8]) -> String {
    blake3::hash(component).to_hex().to_string()
}
