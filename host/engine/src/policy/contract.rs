//! What makes a component a policy: its interfaces, its description and its rules.

use std::collections::BTreeSet;

use causeway_kernel::boundary::policy::Gates;
use wasmtime::Store;
use wasmtime::component::{InstancePre, Linker};

use super::exports::{Exports, Indices};
use super::guest::{Guest, provide_log};
use super::interfaces::Interfaces;
use super::{Description, PolicyError, wasi};
use crate::runtime::Sandbox;
use crate::runtime::sandbox::{refill, stop};

/// Fuel of one call: a decision, or the configuration. Well under a second of computation.
pub const POLICY_FUEL: u64 = 500_000_000;

/// Maximum bytes of a policy's memory.
pub const POLICY_MEMORY_MAX: usize = 128 << 20;

/// Maximum bytes of a reason; the rest is cut off.
pub(super) const REASON_BYTES_MAX: usize = 1_000;

/// Maximum bytes of a policy's name, and of its version.
const NAME_BYTES_MAX: usize = 64;

/// Maximum bytes of the schema of a policy's settings.
const SCHEMA_BYTES_MAX: usize = 64 << 10;

/// Maximum sentences of a policy's rules.
const RULES_MAX: usize = 16;

/// Maximum bytes of such a sentence.
const RULE_BYTES_MAX: usize = 300;

/// A component that fulfils the contract.
pub(super) struct Policy {
    pre: InstancePre<Guest>,
    indices: Indices,
    /// Package and version of the contract that it was built for.
    pub package: String,
    /// The gates that it exports, including those that this service does not know.
    gates: BTreeSet<String>,
}

/// A configured instance.
pub(super) struct Instance {
    pub store: Store<Guest>,
    pub exports: Exports,
}

impl Policy {
    /// Compiles and checks a component.
    pub(super) fn compile(sandbox: &Sandbox, wasm: &[u8]) -> Result<Policy, PolicyError> {
        let compiled = sandbox
            .load(wasm)
            .map_err(|error| PolicyError::Component(error.to_string()))?;
        let interfaces = Interfaces::of(sandbox, &compiled);
        let (contract, gates) = interfaces.check().map_err(PolicyError::Component)?;
        let mut linker = Linker::new(sandbox.engine());
        let linked = provide_log(&mut linker)
            .and_then(|()| match interfaces.imports_wasi() {
                true => wasi::provide(&mut linker),
                false => Ok(()),
            })
            .and_then(|()| linker.instantiate_pre(&compiled))
            .and_then(|pre| Ok((Indices::of(&pre, contract, &gates)?, pre)));
        let (indices, pre) =
            linked.map_err(|error| PolicyError::Component(format!("{error:#}")))?;
        Ok(Policy {
            pre,
            indices,
            package: interfaces.package(),
            gates,
        })
    }

    /// The gates that it answers in this release.
    pub(super) fn answers(&self) -> Gates {
        self.indices.answers
    }

    /// The policy's description of itself.
    pub(super) fn describe(&self, guest: Guest) -> Result<Description, String> {
        let mut store = guest.into_store(self.pre.engine());
        let described = refill(&mut store, POLICY_FUEL)
            .and_then(|()| self.instantiate(&mut store)?.describe(&mut store));
        let described = described.map_err(|error| stop(&error, &store.data().cap).1)?;
        self.check(described)
    }

    fn instantiate(&self, store: &mut Store<Guest>) -> wasmtime::Result<Exports> {
        let instance = self.pre.instantiate(&mut *store)?;
        self.indices.load(store, &instance)
    }

    fn check(&self, described: Description) -> Result<Description, String> {
        let Description { name, version, .. } = &described;
        for (what, text) in [("name", name), ("version", version)] {
            let is_plain = !text.chars().any(char::is_control);
            if text.is_empty() || text.len() > NAME_BYTES_MAX || !is_plain {
                return Err(format!(
                    "its {what} must have 1 to {NAME_BYTES_MAX} bytes without control characters"
                ));
            }
        }
        let named: BTreeSet<&String> = described.gates.iter().collect();
        if !named.iter().copied().eq(&self.gates) {
            return Err(format!(
                "it exports the gates {:?}, but its description names others",
                self.gates
            ));
        }
        let schema = &described.settings_schema;
        if schema.len() > SCHEMA_BYTES_MAX {
            let kibibytes = SCHEMA_BYTES_MAX >> 10;
            return Err(format!(
                "the schema of its settings exceeds {kibibytes} KiB"
            ));
        }
        if !schema.is_empty() && !is_json(schema) {
            return Err("the schema of its settings is not JSON".into());
        }
        Ok(Description {
            gates: self.gates.iter().cloned().collect(),
            ..described
        })
    }

    /// A fresh, configured instance, created with at most this much fuel; the inner error comes from
    /// the policy itself.
    pub(super) fn instance(
        &self,
        settings: &str,
        fuel: u64,
        guest: Guest,
    ) -> Result<Result<Instance, String>, String> {
        let mut store = guest.into_store(self.pre.engine());
        let configured = refill(&mut store, fuel).and_then(|()| {
            let exports = self.instantiate(&mut store)?;
            let answer = exports.configure(&mut store, settings)?;
            Ok(answer.map(|()| exports))
        });
        match configured {
            Ok(Ok(exports)) => Ok(Ok(Instance { store, exports })),
            Ok(Err(text)) => Ok(Err(cut(text, REASON_BYTES_MAX))),
            Err(error) => Err(stop(&error, &store.data().cap).1),
        }
    }

    /// Configures the policy once and asks for the rules that follow from its settings.
    pub(super) fn rules(&self, settings: &str, guest: Guest) -> Result<Vec<String>, PolicyError> {
        let Instance { mut store, exports } = self
            .instance(settings, POLICY_FUEL, guest)
            .map_err(PolicyError::Component)?
            .map_err(PolicyError::Settings)?;
        let rules = refill(&mut store, POLICY_FUEL).and_then(|()| exports.rules(&mut store));
        let rules =
            rules.map_err(|error| PolicyError::Component(stop(&error, &store.data().cap).1))?;
        if rules.len() > RULES_MAX || rules.iter().any(|rule| rule.len() > RULE_BYTES_MAX) {
            return Err(PolicyError::Component(format!(
                "with these settings it has more than {RULES_MAX} rules, or one of more than \
                 {RULE_BYTES_MAX} bytes"
            )));
        }
        Ok(rules)
    }
}

/// Refuses settings that are not JSON although the policy says that they are. Whether they fit the
/// schema is for the policy to say when it is configured.
pub(super) fn check_settings(described: &Description, settings: &str) -> Result<(), PolicyError> {
    if described.settings_schema.is_empty() || is_json(settings) {
        return Ok(());
    }
    Err(PolicyError::Settings(
        "they must be JSON, as the policy has a schema for them".into(),
    ))
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

pub(super) fn cut(mut text: String, bytes_max: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes_max));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_with_a_schema_must_be_json() {
        let described = |schema: &str| Description {
            name: "one".into(),
            version: "1".into(),
            gates: Vec::new(),
            settings_schema: schema.into(),
        };
        let is_taken = |schema, settings| check_settings(&described(schema), settings).is_ok();
        assert!(is_taken("", "salary"));
        assert!(is_taken("{}", " {\"words\": []} "));
        for other in ["", "salary", "{", "{} {}"] {
            assert!(!is_taken("{}", other), "{other}");
        }
    }
}
