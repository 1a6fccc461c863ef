//! A slot as the engine has it: what was loaded, the result, and its counters.

use std::sync::Arc;

use super::contract::Policy;
use super::counters::Counters;
use super::guest::Guest;
use super::shadow::Shadow;
use super::signature::Signer;
use super::slots_file::Listed;
use super::{Description, PolicyInfo, PolicyState, PreviousVersion};

/// A slot. Changes replace it as a whole.
#[derive(Clone)]
pub(super) struct Slot {
    pub info: PolicyInfo,
    /// What runs, or why a component that an earlier release loaded does not run in this one. Such a
    /// slot is kept, and fails every question.
    pub program: Result<Arc<Program>, String>,
    pub counters: Arc<Counters>,
    /// Who signed it.
    pub signer: Option<Signer>,
}

/// A policy that runs.
pub(super) struct Program {
    pub policy: Policy,
    pub description: Description,
    pub rules: Vec<String>,
}

/// All slots.
#[derive(Clone, Default)]
pub(super) struct Slots {
    /// Those of the chain, in their order.
    pub in_force: Vec<Arc<Slot>>,
    /// Candidates beside it, by name; at most one for each.
    pub shadows: Vec<Shadow>,
}

impl Slots {
    /// Every slot.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Slot>> {
        let beside = self.shadows.iter().map(|shadow| &shadow.slot);
        self.in_force.iter().chain(beside)
    }

    /// What the file on disk says of them.
    pub(super) fn listed(&self) -> Listed {
        let info = |slot: &Arc<Slot>| slot.info.clone();
        Listed {
            in_force: self.in_force.iter().map(info).collect(),
            shadows: self.shadows.iter().map(|it| info(&it.slot)).collect(),
        }
    }
}

/// Puts a slot in the place of the one with its name, or behind the others.
pub(super) fn put(slots: &mut Vec<Arc<Slot>>, slot: Slot) {
    match slots.iter_mut().find(|it| it.info.name == slot.info.name) {
        Some(place) => *place = Arc::new(slot),
        None => slots.push(Arc::new(slot)),
    }
}

impl Slot {
    /// State of a fresh instance for a step at this time, after so many lines of earlier ones.
    pub(super) fn guest(&self, now_ms: i64, lines: u32) -> Guest {
        Guest::new(&self.info.name, &self.counters, now_ms, lines)
    }

    pub(super) fn state(&self) -> PolicyState {
        let program = self.program.as_ref();
        PolicyState {
            info: self.info.clone(),
            described: program
                .map(|it| it.description.clone())
                .map_err(String::clone),
            rules: program.map_or_else(|_| Vec::new(), |it| it.rules.clone()),
            counts: self.counters.read(),
            signer: self.signer,
        }
    }

    /// What the slot has now, for a later rollback.
    pub(super) fn version(&self) -> PreviousVersion {
        PreviousVersion {
            digest: self.info.digest.clone(),
            settings: self.info.settings.clone(),
            on_failure: self.info.on_failure,
            signature: self.info.signature.clone(),
        }
    }
}
