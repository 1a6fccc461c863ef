//! Loads policies and keeps the slots on disk: components by digest, and one file that lists the
//! slots in order and is replaced atomically.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::candidate::{check_file, digest_of, manifest};
use super::chain::ComponentChain;
use super::component_files::{ComponentFiles, replace};
use super::counters::Counters;
use super::guest::Guest;
use super::interfaces::Interfaces;
use super::shadow::{SHADOWS_MAX, Shadow, ShadowQueue, ShadowState};
use super::signature::{Manifest, Trust};
use super::slot::{Slot, Slots, put};
use super::slots_file::{self, Listed};
use super::{
    Candidate, Inspection, KeptChange, OnFailure, Place, PolicyChain, PolicyChange, PolicyError,
    PolicyInfo, PolicyManager, PolicyState,
};
use crate::runtime::Sandbox;

/// In the log, the slot of a component that is only inspected.
const INSPECTED: &str = "(inspected)";

/// Policy components, kept in a folder.
pub struct ComponentPolicies {
    pub(super) sandbox: Sandbox,
    pub(super) trust: Trust,
    slots_path: PathBuf,
    pub(super) components: ComponentFiles,
    slots: Mutex<Slots>,
    queue: Arc<ShadowQueue>,
    /// Held while a component that is not in force has an instance.
    preparing: Mutex<()>,
}

impl ComponentPolicies {
    /// Loads the policies of a data directory; signatures are not required.
    ///
    /// # Errors
    /// If a slot on disk cannot be read.
    pub fn open(sandbox: Sandbox, data_dir: &Path) -> Result<ComponentPolicies, PolicyError> {
        ComponentPolicies::open_trusting(sandbox, data_dir, Trust::default())
    }

    /// Loads the policies of a data directory. A slot whose signature is not accepted does not run.
    ///
    /// # Errors
    /// If a slot on disk cannot be read.
    pub fn open_trusting(
        sandbox: Sandbox,
        data_dir: &Path,
        trust: Trust,
    ) -> Result<ComponentPolicies, PolicyError> {
        let folder = data_dir.join("policies");
        let policies = ComponentPolicies {
            sandbox,
            trust,
            slots_path: folder.join("slots"),
            components: ComponentFiles::new(folder),
            slots: Mutex::default(),
            queue: Arc::default(),
            preparing: Mutex::default(),
        };
        let listed = policies.read_slots()?;
        let found = |info| Arc::new(policies.found(info));
        let in_force = listed.in_force.into_iter().map(found).collect();
        let shadows = listed.shadows.into_iter().map(|info| Shadow {
            slot: found(info),
            tally: Arc::default(),
        });
        let slots = Slots {
            in_force,
            shadows: shadows.collect(),
        };
        policies.queue.replace(&slots);
        *policies.slots() = slots;
        Ok(policies)
    }

    /// The chain of the slots on disk, without the shadows: for a replay, which shows what is decided.
    #[must_use]
    pub fn chain(&self) -> Box<dyn PolicyChain> {
        Box::new(ComponentChain::new(&self.slots().in_force))
    }

    /// A chain for trying out a component in a slot: those that are loaded, with it in the place of the slot with
    /// its name, or as the last one. It is asked even if that slot is disabled, and never suspended. Nothing is
    /// stored.
    ///
    /// # Errors
    /// If the component or its settings are refused.
    pub fn rehearsal(
        &self,
        name: &str,
        component: &[u8],
        settings: &str,
        on_failure: OnFailure,
    ) -> Result<RehearsalChains, PolicyError> {
        let candidate = Candidate::unsigned(name, component, settings, on_failure);
        let slots = self.slots().clone();
        let mut slot = self.slot_of(&slots, &candidate, Arc::default())?;
        slot.info.is_enabled = true;
        let mut tried = slots.in_force;
        put(&mut tried, slot);
        Ok(RehearsalChains { slots: tried })
    }

    /// What a signer states about a component.
    ///
    /// # Errors
    /// If it is not a policy that runs here.
    pub fn manifest(&self, component: &[u8]) -> Result<Manifest, PolicyError> {
        let guest = Guest::outside_steps(INSPECTED, &Arc::default());
        let _one_at_a_time = self.preparing();
        let (policy, description) = self.described(component, guest)?;
        Ok(manifest(&policy, &description, component))
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn preparing(&self) -> MutexGuard<'_, ()> {
        self.preparing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, name: &str) -> Result<Found, PolicyError> {
        let slots = self.slots().clone();
        let at = slots.in_force.iter().position(|it| it.info.name == name);
        let found = at.and_then(|at| Some((at, Arc::clone(slots.in_force.get(at)?))));
        let (at, slot) = found.ok_or_else(|| PolicyError::NotFound(name.into()))?;
        Ok(Found { slots, at, slot })
    }

    /// The slots without the shadow of a name, and that shadow.
    fn without_shadow(&self, name: &str) -> Result<(Slots, Shadow), PolicyError> {
        let mut slots = self.slots().clone();
        let at = slots
            .shadows
            .iter()
            .position(|it| it.slot.info.name == name);
        let at = at.ok_or_else(|| PolicyError::NoShadow(name.into()))?;
        let shadow = slots.shadows.remove(at);
        Ok((slots, shadow))
    }

    /// The change to these slots.
    fn change(&self, slots: Slots, what: String) -> PolicyChange {
        PolicyChange {
            chain: Box::new(ComponentChain::with_shadows(&slots, &self.queue)),
            is_of_chain: true,
            kept: KeptChange { slots },
            what,
        }
    }

    /// The change of shadows alone: the chain in force stays, with what it remembers of failures.
    fn change_shadows(&self, slots: Slots, what: String) -> PolicyChange {
        PolicyChange {
            is_of_chain: false,
            ..self.change(slots, what)
        }
    }

    /// Puts a candidate in force. Before the change its component is stored: until the change is kept, nothing
    /// refers to the file.
    fn put(&self, mut slots: Slots, candidate: &Candidate) -> Result<(Slots, bool), PolicyError> {
        let mut in_force = slots.in_force.iter();
        let before = in_force.find(|slot| slot.info.name == candidate.name);
        let counters: Arc<Counters> =
            before.map_or_else(Arc::default, |slot| Arc::clone(&slot.counters));
        let is_new = before.is_none();
        let slot = self.slot_of(&slots, candidate, counters)?;
        self.components
            .store(&slot.info.digest, &candidate.component)?;
        put(&mut slots.in_force, slot);
        Ok((slots, is_new))
    }

    /// Makes a candidate a shadow.
    fn put_shadow(&self, mut slots: Slots, candidate: &Candidate) -> Result<Slots, PolicyError> {
        let name = &candidate.name;
        slots.shadows.retain(|it| it.slot.info.name != *name);
        if slots.shadows.len() >= SHADOWS_MAX {
            return Err(PolicyError::Component(format!(
                "there are {SHADOWS_MAX} shadows already"
            )));
        }
        let mut slot = self.slot_of(&slots, candidate, Arc::default())?;
        slot.info.is_enabled = true;
        slot.info.previous = None;
        self.components
            .store(&slot.info.digest, &candidate.component)?;
        slots.shadows.push(Shadow {
            slot: Arc::new(slot),
            tally: Arc::default(),
        });
        Ok(slots)
    }

    fn read_slots(&self) -> Result<Listed, PolicyError> {
        match fs::read(&self.slots_path) {
            Ok(bytes) => slots_file::decode(&bytes)
                .map_err(|error| PolicyError::Disk(format!("the file `slots`: {error}"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Listed::default()),
            Err(error) => Err(PolicyError::of_disk(&error)),
        }
    }

    fn write_slots(&self, slots: &Slots) -> io::Result<()> {
        let bytes = slots_file::encode(&slots.listed()).map_err(io::Error::other)?;
        if let Some(folder) = self.slots_path.parent() {
            fs::create_dir_all(folder)?;
        }
        replace(&self.slots_path, &bytes)?;
        let loaded = slots.all().map(|slot| &slot.info.digest);
        let previous = slots.all().filter_map(|slot| slot.info.previous.as_ref());
        let referenced: BTreeSet<&str> = loaded
            .chain(previous.map(|version| &version.digest))
            .map(String::as_str)
            .collect();
        if let Err(error) = self.components.sweep(&referenced) {
            tracing::warn!(%error, "cannot delete old policy components");
        }
        Ok(())
    }
}

/// A slot and its place among all.
struct Found {
    slots: Slots,
    at: usize,
    slot: Arc<Slot>,
}

impl Found {
    /// All slots, with another one in its place.
    fn replaced(mut self, slot: Slot) -> Slots {
        if let Some(place) = self.slots.in_force.get_mut(self.at) {
            *place = Arc::new(slot);
        }
        self.slots
    }
}

/// Chains with a component that is only tried out.
pub struct RehearsalChains {
    slots: Vec<Arc<Slot>>,
}

impl RehearsalChains {
    /// A chain of its own, for one thread.
    #[must_use]
    pub fn open(&self) -> Box<dyn PolicyChain> {
        Box::new(ComponentChain::new(&self.slots).unsuspended())
    }
}

impl PolicyManager for ComponentPolicies {
    fn open(&self) -> Result<Box<dyn PolicyChain>, PolicyError> {
        let chain = ComponentChain::with_shadows(&self.slots(), &self.queue);
        Ok(Box::new(chain))
    }

    fn prepare(&self, candidate: &Candidate, place: Place) -> Result<PolicyChange, PolicyError> {
        let (slots, name) = (self.slots().clone(), &candidate.name);
        match place {
            Place::InForce => {
                let (slots, is_new) = self.put(slots, candidate)?;
                let verb = if is_new { "load" } else { "swap" };
                Ok(self.change(slots, format!("{verb} {name}")))
            }
            Place::Shadow => {
                let slots = self.put_shadow(slots, candidate)?;
                Ok(self.change_shadows(slots, format!("load shadow {name}")))
            }
        }
    }

    fn promote(&self, name: &str) -> Result<PolicyChange, PolicyError> {
        let (slots, shadow) = self.without_shadow(name)?;
        let PolicyInfo {
            name,
            digest,
            settings,
            on_failure,
            signature,
            ..
        } = shadow.slot.info.clone();
        let component = self.components.read(&digest)?;
        let candidate = Candidate {
            name,
            component,
            settings,
            on_failure,
            signature,
        };
        let (mut slots, _) = self.put(slots, &candidate)?;
        // What was compared is what is in force from now on, also if the slot was disabled.
        let in_force = slots.in_force.iter_mut();
        for slot in in_force.filter(|it| it.info.name == candidate.name) {
            Arc::make_mut(slot).info.is_enabled = true;
        }
        Ok(self.change(slots, format!("promote {}", candidate.name)))
    }

    fn unload(&self, name: &str) -> Result<PolicyChange, PolicyError> {
        let Found { mut slots, at, .. } = self.find(name)?;
        slots.in_force.remove(at);
        Ok(self.change(slots, format!("unload {name}")))
    }

    fn unload_shadow(&self, name: &str) -> Result<PolicyChange, PolicyError> {
        let (slots, _) = self.without_shadow(name)?;
        Ok(self.change_shadows(slots, format!("unload shadow {name}")))
    }

    fn set_enabled(&self, name: &str, is_enabled: bool) -> Result<PolicyChange, PolicyError> {
        let found = self.find(name)?;
        if let (true, Err(why)) = (is_enabled, &found.slot.program) {
            return Err(PolicyError::Component(why.clone()));
        }
        let mut slot = Slot::clone(&found.slot);
        slot.info.is_enabled = is_enabled;
        let verb = if is_enabled { "enable" } else { "disable" };
        Ok(self.change(found.replaced(slot), format!("{verb} {name}")))
    }

    fn reorder(&self, names: &[String]) -> Result<PolicyChange, PolicyError> {
        let mut slots = self.slots().clone();
        let mut left = std::mem::take(&mut slots.in_force);
        for name in names {
            let at = left.iter().position(|slot| slot.info.name == *name);
            slots
                .in_force
                .push(left.remove(at.ok_or(PolicyError::Order)?));
        }
        if !left.is_empty() {
            return Err(PolicyError::Order);
        }
        Ok(self.change(slots, format!("reorder: {}", names.join(", "))))
    }

    fn rollback(&self, name: &str) -> Result<PolicyChange, PolicyError> {
        let found = self.find(name)?;
        let slot = &found.slot;
        let wanted = slot.info.previous.clone();
        let wanted = wanted.ok_or_else(|| PolicyError::NoPrevious(name.into()))?;
        let component = self.components.read(&wanted.digest)?;
        let signature = wanted.signature.as_deref();
        let program = self.program(&component, &wanted.settings, signature, || {
            Guest::outside_steps(name, &slot.counters)
        })?;
        let info = PolicyInfo {
            digest: wanted.digest,
            settings: wanted.settings,
            on_failure: wanted.on_failure,
            previous: Some(slot.version()),
            signature: wanted.signature,
            ..slot.info.clone()
        };
        let slot = self.slot(info, Ok(program), Arc::clone(&slot.counters));
        Ok(self.change(found.replaced(slot), format!("roll back {name}")))
    }

    fn keep(&self, change: KeptChange) -> Result<(), PolicyError> {
        let mut slots = self.slots();
        *slots = change.slots;
        self.queue.replace(&slots);
        self.write_slots(&slots)
            .map_err(|error| PolicyError::of_disk(&error))
    }

    fn states(&self) -> Vec<PolicyState> {
        let slots = self.slots();
        slots.in_force.iter().map(|slot| slot.state()).collect()
    }

    fn shadows(&self) -> Vec<ShadowState> {
        self.slots().shadows.iter().map(Shadow::state).collect()
    }

    fn inspect(&self, component: &[u8]) -> Result<Inspection, PolicyError> {
        check_file(component)?;
        let compiled = self
            .sandbox
            .load(component)
            .map_err(|error| PolicyError::Component(error.to_string()))?;
        let Interfaces { imports, exports } = Interfaces::of(&self.sandbox, &compiled);
        let counters = Arc::default();
        let guest = || Guest::outside_steps(INSPECTED, &counters);
        let _one_at_a_time = self.preparing();
        let (described, rules) = match self.described(component, guest()) {
            Ok((policy, description)) => {
                let has_schema = !description.settings_schema.is_empty();
                let rules = policy.rules(if has_schema { "{}" } else { "" }, guest());
                (Ok(description), rules.map_err(|error| error.to_string()))
            }
            Err(error) => (Err(error.reason()), Ok(Vec::new())),
        };
        Ok(Inspection {
            digest: digest_of(component),
            size_bytes: component.len(),
            imports,
            exports,
            described,
            rules,
        })
    }
}
