//! What a component imports and exports, and whether that makes it a policy that runs here.

use std::collections::BTreeSet;

use semver::{Version, VersionReq};
use wasmtime::component::Component;

use super::{POLICY_CONTRACT, wasi};
use crate::runtime::Sandbox;

/// The interface that every policy exports.
const POLICY: &str = "policy";

/// The interface of types; importing it gives a policy nothing.
const CONTEXT: &str = "context";

/// The only interface of the contract with functions that a policy may import.
pub(super) const LOG: &str = "log";

/// A version of the contract that runs here. As in semantic versioning, before 1.0 an incompatible
/// change raises the minor version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Contract {
    /// Any 0.2.x: posts only.
    V0_2,
    /// Any 0.3.x.
    V0_3,
}

impl Contract {
    const ALL: [Contract; 2] = [Contract::V0_2, Contract::V0_3];

    /// Which versions are compatible with it.
    fn compatible(self) -> &'static str {
        match self {
            Contract::V0_2 => "^0.2",
            Contract::V0_3 => "^0.3",
        }
    }

    /// The contract of a version; `None` = it does not run here.
    fn of(version: &Version) -> Option<Contract> {
        Contract::ALL.into_iter().find(|it| {
            VersionReq::parse(it.compatible()).is_ok_and(|versions| versions.matches(version))
        })
    }

    /// Whether a policy of it may import an interface.
    fn may_import(self, interface: &str) -> bool {
        match interface {
            CONTEXT => true,
            LOG => self == Contract::V0_3,
            _ => false,
        }
    }
}

/// The names of a component's imports and exports.
#[derive(Clone, Debug)]
pub(super) struct Interfaces {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

impl Interfaces {
    pub(super) fn of(sandbox: &Sandbox, compiled: &Component) -> Interfaces {
        let engine = sandbox.engine();
        let world = compiled.component_type();
        let imports = world.imports(engine).map(|(name, _)| name.to_string());
        let exports = world.exports(engine).map(|(name, _)| name.to_string());
        Interfaces {
            imports: imports.collect(),
            exports: exports.collect(),
        }
    }

    /// The contract that it was built for and the names of the gates that it exports, including those
    /// that this service does not know; or why it is not a policy that runs here.
    pub(super) fn check(&self) -> Result<(Contract, BTreeSet<String>), String> {
        let contract = self.contract()?;
        let is_allowed = |name: &str| match of_contract(name) {
            Some((interface, _)) => contract.unwrap_or(Contract::V0_3).may_import(interface),
            None => wasi::is_provided(name),
        };
        let forbidden = self.imports.iter().filter(|name| !is_allowed(name));
        let mut wrong: Vec<String> = forbidden.map(|name| format!("it imports {name}")).collect();
        let exported = self.exports.iter().filter_map(|name| of_contract(name));
        let mut interfaces: BTreeSet<String> = exported.map(|(name, _)| name.to_string()).collect();
        if !interfaces.remove(POLICY) {
            wrong.push(format!("it does not export {POLICY} of {POLICY_CONTRACT}"));
        }
        if interfaces.is_empty() {
            wrong.push("it exports no gate".into());
        }
        match contract {
            Some(contract) if wrong.is_empty() => Ok((contract, interfaces)),
            _ => Err(wrong.join("; ")),
        }
    }

    /// The package and version of the contract whose [`POLICY`] it exports; empty if it exports none.
    pub(super) fn package(&self) -> String {
        let mut exported = self.exports.iter().filter_map(|name| of_contract(name));
        let policy = exported.find(|(interface, _)| *interface == POLICY);
        policy.map_or_else(String::new, |(_, version)| {
            format!("causeway:policy@{version}")
        })
    }

    /// Whether it needs anything of WASI.
    pub(super) fn imports_wasi(&self) -> bool {
        self.imports.iter().any(|name| wasi::is_provided(name))
    }

    /// The contract of all its interfaces; `None` = it has none of any contract.
    fn contract(&self) -> Result<Option<Contract>, String> {
        let mut found = BTreeSet::new();
        for name in self.imports.iter().chain(&self.exports) {
            let Some((_, version)) = of_contract(name) else {
                continue;
            };
            let Some(contract) = Contract::of(&version) else {
                return Err(format!(
                    "it was built for causeway:policy@{version}, and this service runs \
                     {POLICY_CONTRACT} and the minor version before it: rebuild it for that \
                     version, or use the build of this release"
                ));
            };
            found.insert(contract);
        }
        if found.len() > 1 {
            return Err("it has interfaces of several minor versions of the contract".into());
        }
        Ok(found.pop_first())
    }
}

/// The interface of the contract that a name refers to, and its version.
fn of_contract(name: &str) -> Option<(&str, Version)> {
    let (interface, version) = name.strip_prefix("causeway:policy/")?.split_once('@')?;
    Some((interface, Version::parse(version).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interfaces(imports: &[&str], exports: &[&str]) -> Interfaces {
        let owned = |names: &[&str]| names.iter().map(|it| (*it).to_string()).collect();
        Interfaces {
            imports: owned(imports),
            exports: owned(exports),
        }
    }

    #[test]
    fn every_patch_of_two_minor_versions_runs_here_and_nothing_else() {
        let contract = |text: &str| Contract::of(&Version::parse(text).unwrap());
        let ours = POLICY_CONTRACT.strip_prefix("causeway:policy@").unwrap();
        for good in [ours, "0.3.0", "0.3.1", "0.3.99"] {
            assert_eq!(contract(good), Some(Contract::V0_3), "{good}");
        }
        for good in ["0.2.0", "0.2.1", "0.2.99"] {
            assert_eq!(contract(good), Some(Contract::V0_2), "{good}");
        }
        for other in ["0.1.0", "0.1.9", "0.4.0", "1.0.0", "0.3.0-rc.1"] {
            assert_eq!(contract(other), None, "{other}");
        }
    }

    #[test]
    fn only_types_the_log_and_some_of_wasi_may_be_imported() {
        let exports = [
            "causeway:policy/policy@0.3.0",
            "causeway:policy/file-gate@0.3.0",
        ];
        let with = |imports: &[&str]| interfaces(imports, &exports).check();
        let (contract, gates) =
            with(&["causeway:policy/context@0.3.1", "causeway:policy/log@0.3.0"]).unwrap();
        assert_eq!(contract, Contract::V0_3);
        assert_eq!(interfaces(&[], &exports).package(), "causeway:policy@0.3.0");
        assert!(gates.into_iter().eq(["file-gate"]));
        for other in [
            "causeway:policy/clock@0.3.0",
            "causeway:policy/log",
            "wasi:cli/run@0.2.6",
        ] {
            assert_eq!(with(&[other]).unwrap_err(), format!("it imports {other}"));
        }
        assert!(with(&["wasi:cli/environment@0.2.6"]).is_ok());
        let mixed = with(&["causeway:policy/context@0.2.0"]).unwrap_err();
        assert!(mixed.contains("several"), "{mixed}");
    }

    #[test]
    fn the_version_before_has_no_log_and_a_policy_needs_a_gate() {
        let exports = [
            "causeway:policy/policy@0.2.0",
            "causeway:policy/post-gate@0.2.0",
        ];
        let with_log = interfaces(&["causeway:policy/log@0.2.0"], &exports);
        assert!(with_log.check().unwrap_err().contains("it imports"));
        let gateless = interfaces(&[], &exports[..1]);
        assert_eq!(gateless.check().unwrap_err(), "it exports no gate");
        let nothing = interfaces(&[], &[]).check().unwrap_err();
        assert!(nothing.contains("does not export policy of"), "{nothing}");
    }
}
