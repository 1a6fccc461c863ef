//! A slot as the engine has it: what was loaded, the result, and its counters.

use std::sync::Arc;

use super::contract::Policy;
use super::counters::Counters;
use super::guest::Guest;
use super::{Description, PolicyInfo, PolicyState, PreviousVersion};

/// A slot. Changes replace it as a whole.
#[derive(Clone)]
pub(super) struct Slot {
    pub info: PolicyInfo,
    /// What runs, or why a component that an earlier release loaded does not run in this one. Such a
    /// slot is kept, and fails every question.
    pub program: Result<Arc<Program>, String>,
    pub counters: Arc<Counters>,
}

/// A policy that runs.
pub(super) struct Program {
    pub policy: Policy,
    pub description: Description,
    pub rules: Vec<String>,
}

impl Slot {
    /// State of a fresh instance.
    pub(super) fn guest(&self) -> Guest {
        Guest::new(&self.info.name, &self.counters)
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
        }
    }

    /// What the slot has now, for a later rollback.
    pub(super) fn version(&self) -> PreviousVersion {
        PreviousVersion {
            digest: self.info.digest.clone(),
            settings: self.info.settings.clone(),
            on_failure: self.info.on_failure,
        }
    }
}
