//! What makes a component a policy: the contract's version, the allowed imports, its description,
//! and its typed exports.

use std::collections::BTreeSet;

use semver::{Version, VersionReq};
use wasmtime::Store;
use wasmtime::component::{Component, InstancePre, Linker};

use super::bindings::exports::causeway::policy::{policy, post_gate};
use super::{Description, POLICY_CONTRACT, PolicyError};
use crate::runtime::Sandbox;
use crate::runtime::sandbox::{MemoryCap, refill, stop};

/// Fuel of one call: a decision, or the configuration. Well under a second of computation.
pub const POLICY_FUEL: u64 = 500_000_000;

/// Maximum bytes of a policy's memory.
pub const POLICY_MEMORY_MAX: usize = 128 << 20;

/// Maximum bytes of a reason; the rest is cut off.
pub(super) const REASON_BYTES_MAX: usize = 1_000;

/// Supported versions of the contract. As in semantic versioning, before 1.0 an incompatible change
/// raises the minor version.
const COMPATIBLE: &str = "^0.2";

/// The interface that every policy exports.
const POLICY: &str = "policy";

/// The only interface that a policy may import: it contains types only.
const CONTEXT: &str = "context";

/// Maximum bytes of a policy's name, and of its version.
const NAME_BYTES_MAX: usize = 64;

/// Maximum bytes of the schema of a policy's settings.
const SCHEMA_BYTES_MAX: usize = 64 << 10;

/// A component that fulfils the contract.
pub(super) struct Policy {
    pre: InstancePre<MemoryCap>,
    policy: policy::GuestIndices,
    post_gate: Option<post_gate::GuestIndices>,
    /// The gates that it exports, including those that this service does not know.
    gates: BTreeSet<String>,
}

/// A configured instance.
pub(super) struct Instance {
    pub store: Store<MemoryCap>,
    pub gates: Gates,
}

/// The gates of an instance.
pub(super) struct Gates {
    pub post: Option<post_gate::Guest>,
}

impl Policy {
    /// Compiles and checks a component.
    pub(super) fn compile(sandbox: &Sandbox, wasm: &[u8]) -> Result<Policy, PolicyError> {
        let compiled = sandbox
            .load(wasm)
            .map_err(|error| PolicyError::Component(error.to_string()))?;
        let gates = gates(sandbox, &compiled).map_err(PolicyError::Component)?;
        let mut linker = Linker::new(sandbox.engine());
        let linked = linker
            .define_unknown_imports_as_traps(&compiled)
            .and_then(|()| linker.instantiate_pre(&compiled))
            .and_then(|pre| {
                let policy = policy::GuestIndices::new(&pre)?;
                // A known gate with a different type is an error, not an unknown gate.
                let has = gates.contains("post-gate");
                let post_gate = has
                    .then(|| post_gate::GuestIndices::new(&pre))
                    .transpose()?;
                Ok((pre, policy, post_gate))
            });
        let (pre, policy, post_gate) =
            linked.map_err(|error| PolicyError::Component(format!("{error:#}")))?;
        Ok(Policy {
            pre,
            policy,
            post_gate,
            gates,
        })
    }

    /// Whether it is to be asked about posts.
    pub(super) fn judges_posts(&self) -> bool {
        self.post_gate.is_some()
    }

    /// The policy's description of itself.
    pub(super) fn describe(&self) -> Result<Description, String> {
        let mut store = store(&self.pre);
        let described = refill(&mut store, POLICY_FUEL).and_then(|()| {
            let instance = self.pre.instantiate(&mut store)?;
            self.policy
                .load(&mut store, &instance)?
                .call_describe(&mut store)
        });
        let described = described.map_err(|error| stop(&error, store.data()).1)?;
        self.check(described)
    }

    fn check(&self, described: policy::Description) -> Result<Description, String> {
        let policy::Description {
            name,
            version,
            gates,
            settings_schema,
        } = described;
        for (what, text) in [("name", &name), ("version", &version)] {
            if text.is_empty() || text.len() > NAME_BYTES_MAX {
                return Err(format!("its {what} must have 1 to {NAME_BYTES_MAX} bytes"));
            }
        }
        let gates: BTreeSet<String> = gates.into_iter().collect();
        if gates != self.gates {
            return Err(format!(
                "it exports the gates {:?}, but its description names others",
                self.gates
            ));
        }
        if settings_schema.len() > SCHEMA_BYTES_MAX {
            let kibibytes = SCHEMA_BYTES_MAX >> 10;
            return Err(format!(
                "the schema of its settings exceeds {kibibytes} KiB"
            ));
        }
        let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        if !settings_schema.is_empty() && !is_json(&settings_schema) {
            return Err("the schema of its settings is not JSON".into());
        }
        Ok(Description {
            name,
            version,
            gates: gates.into_iter().collect(),
            settings_schema,
        })
    }

    /// A fresh, configured instance, created with at most this much fuel; the inner error comes from
    /// the policy itself.
    pub(super) fn instance(
        &self,
        settings: &str,
        fuel: u64,
    ) -> Result<Result<Instance, String>, String> {
        let mut store = store(&self.pre);
        let configured = refill(&mut store, fuel).and_then(|()| {
            let instance = self.pre.instantiate(&mut store)?;
            let policy = self.policy.load(&mut store, &instance)?;
            let post = self.post_gate.as_ref();
            let post = post.map(|gate| gate.load(&mut store, &instance));
            let gates = Gates {
                post: post.transpose()?,
            };
            let answer = policy.call_configure(&mut store, settings)?;
            Ok(answer.map(|()| gates))
        });
        match configured {
            Ok(Ok(gates)) => Ok(Ok(Instance { store, gates })),
            Ok(Err(text)) => Ok(Err(cut(text, REASON_BYTES_MAX))),
            Err(error) => Err(stop(&error, store.data()).1),
        }
    }
}

fn store(pre: &InstancePre<MemoryCap>) -> Store<MemoryCap> {
    let mut store = Store::new(pre.engine(), MemoryCap::new(POLICY_MEMORY_MAX));
    store.limiter(|cap| cap);
    store
}

/// The names of the gates that a component exports, or why it is not a policy.
fn gates(sandbox: &Sandbox, compiled: &Component) -> Result<BTreeSet<String>, String> {
    let engine = sandbox.engine();
    let world = compiled.component_type();
    let imports: Vec<&str> = world.imports(engine).map(|(name, _)| name).collect();
    let exports: Vec<&str> = world.exports(engine).map(|(name, _)| name).collect();
    let other = imports
        .iter()
        .chain(&exports)
        .filter_map(|name| of_contract(name))
        .find(|(_, version)| !runs_here(version));
    if let Some((_, version)) = other {
        return Err(format!(
            "it was built for causeway:policy@{version}, and this service runs {POLICY_CONTRACT}: \
             rebuild it for that version, or use the build of this release"
        ));
    }
    let is = |name: &str, interface: &str| of_contract(name).is_some_and(|it| it.0 == interface);
    let mut wrong: Vec<String> = imports
        .iter()
        .filter(|name| !is(name, CONTEXT))
        .map(|name| format!("it imports {name}"))
        .collect();
    if !exports.iter().any(|name| is(name, POLICY)) {
        wrong.push(format!("it does not export {POLICY} of {POLICY_CONTRACT}"));
    }
    let gates: BTreeSet<String> = exports
        .iter()
        .filter_map(|name| of_contract(name))
        .filter(|(interface, _)| *interface != POLICY)
        .map(|(interface, _)| interface.to_string())
        .collect();
    if gates.is_empty() {
        wrong.push("it exports no gate".into());
    }
    if wrong.is_empty() {
        Ok(gates)
    } else {
        Err(wrong.join("; "))
    }
}

/// The interface of the contract that a name refers to, and its version.
fn of_contract(name: &str) -> Option<(&str, Version)> {
    let (interface, version) = name.strip_prefix("causeway:policy/")?.split_once('@')?;
    Some((interface, Version::parse(version).ok()?))
}

fn runs_here(version: &Version) -> bool {
    VersionReq::parse(COMPATIBLE).is_ok_and(|compatible| compatible.matches(version))
}

pub(super) fn cut(mut text: String, bytes_max: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes_max));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_patch_of_the_minor_version_runs_here_and_nothing_else() {
        let version = |text: &str| Version::parse(text).unwrap();
        let ours = POLICY_CONTRACT.strip_prefix("causeway:policy@").unwrap();
        for good in [ours, "0.2.0", "0.2.1", "0.2.99"] {
            assert!(runs_here(&version(good)), "{good}");
        }
        for other in ["0.1.0", "0.1.9", "0.3.0", "1.0.0", "0.2.0-rc.1"] {
            assert!(!runs_here(&version(other)), "{other}");
        }
    }
}
