//! The typed exports of a component: what every policy exports, and its gates.

use std::collections::BTreeSet;

use causeway_kernel::boundary::policy::{Gate, Gates};
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use super::Description;
use super::bindings::v0_2::exports::causeway::policy as v0_2;
use super::bindings::v0_3::exports::causeway::policy as v0_3;
use super::guest::Guest;
use super::interfaces::Contract;

/// The gates that a component of the current contract may export, by module of its bindings.
macro_rules! gates {
    ($($module:ident: $gate:ident,)*) => {
        /// Where a component exports its gates.
        #[derive(Default)]
        struct GateIndices {
            $($module: Option<v0_3::$module::GuestIndices>,)*
            /// The post gate of the version before.
            post_gate_v0_2: Option<v0_2::post_gate::GuestIndices>,
        }

        /// The gates of an instance.
        pub(super) struct GateExports {
            $(pub $module: Option<v0_3::$module::Guest>,)*
            /// The post gate of the version before.
            pub post_gate_v0_2: Option<v0_2::post_gate::Guest>,
        }

        impl GateIndices {
            /// A known gate with a different type is an error, not an unknown gate.
            fn of_v0_3(pre: &InstancePre<Guest>, gates: Gates) -> wasmtime::Result<GateIndices> {
                let has = |gate| gates.contains(gate);
                Ok(GateIndices {
                    $($module: has(Gate::$gate)
                        .then(|| v0_3::$module::GuestIndices::new(pre))
                        .transpose()?,)*
                    post_gate_v0_2: None,
                })
            }

            fn load(
                &self,
                store: &mut Store<Guest>,
                instance: &Instance,
            ) -> wasmtime::Result<GateExports> {
                Ok(GateExports {
                    $($module: self.$module
                        .as_ref()
                        .map(|it| it.load(&mut *store, instance))
                        .transpose()?,)*
                    post_gate_v0_2: self.post_gate_v0_2
                        .as_ref()
                        .map(|it| it.load(&mut *store, instance))
                        .transpose()?,
                })
            }
        }
    };
}

gates! {
    post_gate: Post,
    file_gate: File,
    reaction_gate: Reaction,
    member_gate: Member,
    profile_gate: Profile,
    channel_gate: Channel,
    direct_gate: Direct,
    mention_gate: Mention,
    component_gate: Component,
}

impl GateIndices {
    fn of_v0_2(pre: &InstancePre<Guest>, gates: Gates) -> wasmtime::Result<GateIndices> {
        let has = gates.contains(Gate::Post);
        Ok(GateIndices {
            post_gate_v0_2: has
                .then(|| v0_2::post_gate::GuestIndices::new(pre))
                .transpose()?,
            ..GateIndices::default()
        })
    }
}

/// Where a component exports what every policy exports.
enum PolicyIndices {
    V0_2(v0_2::policy::GuestIndices),
    V0_3(v0_3::policy::GuestIndices),
}

/// Where the exports of a component are.
pub(super) struct Indices {
    policy: PolicyIndices,
    gates: GateIndices,
    /// The gates that it answers in this release.
    pub answers: Gates,
}

impl Indices {
    /// Looks up the exports of a component with these gates.
    pub(super) fn of(
        pre: &InstancePre<Guest>,
        contract: Contract,
        gates: &BTreeSet<String>,
    ) -> wasmtime::Result<Indices> {
        let known = |gate: &Gate| gates.contains(gate.interface());
        let of_contract = |gate: &Gate| contract == Contract::V0_3 || *gate == Gate::Post;
        let answers = Gate::ALL.into_iter().filter(known).filter(of_contract);
        let answers: Gates = answers.collect();
        let (policy, gates) = match contract {
            Contract::V0_2 => (
                PolicyIndices::V0_2(v0_2::policy::GuestIndices::new(pre)?),
                GateIndices::of_v0_2(pre, answers)?,
            ),
            Contract::V0_3 => (
                PolicyIndices::V0_3(v0_3::policy::GuestIndices::new(pre)?),
                GateIndices::of_v0_3(pre, answers)?,
            ),
        };
        Ok(Indices {
            policy,
            gates,
            answers,
        })
    }

    pub(super) fn load(
        &self,
        store: &mut Store<Guest>,
        instance: &Instance,
    ) -> wasmtime::Result<Exports> {
        let policy = match &self.policy {
            PolicyIndices::V0_2(it) => PolicyExport::V0_2(it.load(&mut *store, instance)?),
            PolicyIndices::V0_3(it) => PolicyExport::V0_3(it.load(&mut *store, instance)?),
        };
        let gates = self.gates.load(store, instance)?;
        Ok(Exports { policy, gates })
    }
}

/// The exports of an instance.
pub(super) struct Exports {
    policy: PolicyExport,
    pub gates: GateExports,
}

enum PolicyExport {
    V0_2(v0_2::policy::Guest),
    V0_3(v0_3::policy::Guest),
}

impl Exports {
    pub(super) fn describe(&self, store: &mut Store<Guest>) -> wasmtime::Result<Description> {
        Ok(match &self.policy {
            PolicyExport::V0_2(policy) => {
                let described = policy.call_describe(store)?;
                Description {
                    name: described.name,
                    version: described.version,
                    gates: described.gates,
                    settings_schema: described.settings_schema,
                }
            }
            PolicyExport::V0_3(policy) => {
                let described = policy.call_describe(store)?;
                Description {
                    name: described.name,
                    version: described.version,
                    gates: described.gates,
                    settings_schema: described.settings_schema,
                }
            }
        })
    }

    pub(super) fn configure(
        &self,
        store: &mut Store<Guest>,
        settings: &str,
    ) -> wasmtime::Result<Result<(), String>> {
        match &self.policy {
            PolicyExport::V0_2(policy) => policy.call_configure(store, settings),
            PolicyExport::V0_3(policy) => policy.call_configure(store, settings),
        }
    }

    /// What it holds back, in words; the version before could not say.
    pub(super) fn rules(&self, store: &mut Store<Guest>) -> wasmtime::Result<Vec<String>> {
        match &self.policy {
            PolicyExport::V0_2(_) => Ok(Vec::new()),
            PolicyExport::V0_3(policy) => policy.call_rules(store),
        }
    }
}
