//! Loads policies and keeps the slots on disk: components by digest, and one file that lists the
//! slots in order and is replaced atomically.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::chain::ComponentChain;
use super::component_files::{ComponentFiles, replace};
use super::contract::{Policy, check_settings};
use super::counters::Counters;
use super::guest::Guest;
use super::interfaces::Interfaces;
use super::slot::{Program, Slot};
use super::{
    Description, Inspection, KeptChange, OnFailure, PolicyChain, PolicyChange, PolicyError,
    PolicyInfo, PolicyManager, PolicyState, PreviousVersion, slots_file,
};
use crate::runtime::Sandbox;

/// Maximum bytes of a policy component; one in Python has some 18 MB.
pub const POLICY_BYTES_MAX: usize = 32 << 20;

/// Maximum bytes of a policy's settings.
pub const SETTINGS_BYTES_MAX: usize = 256 << 10;

/// Maximum slots of a chain; every question passes through all of them.
pub const SLOTS_MAX: usize = 16;

/// Maximum bytes of a slot's name.
const NAME_BYTES_MAX: usize = 64;

/// In the log, the slot of a component that is only inspected.
const INSPECTED: &str = "(inspected)";

/// Policy components, kept in a folder.
pub struct ComponentPolicies {
    sandbox: Sandbox,
    slots_path: PathBuf,
    components: ComponentFiles,
    slots: Mutex<Vec<Arc<Slot>>>,
}

impl ComponentPolicies {
    /// Loads the policies of a data directory.
    ///
    /// # Errors
    /// If a slot on disk cannot be read.
    pub fn open(sandbox: Sandbox, data_dir: &Path) -> Result<ComponentPolicies, PolicyError> {
        let folder = data_dir.join("policies");
        let policies = ComponentPolicies {
            sandbox,
            slots_path: folder.join("slots"),
            components: ComponentFiles::new(folder),
            slots: Mutex::default(),
        };
        let mut slots = Vec::new();
        for info in policies.read_slots()? {
            let counters = Arc::default();
            let guest = || Guest::new(&info.name, &counters);
            // A component that is gone or damaged closes its gate, and the service starts.
            let program = policies
                .components
                .read(&info.digest)
                .and_then(|component| policies.described(&component, guest()))
                .and_then(|it| configured(it, &info.settings, guest()));
            let program = program.map_err(|error| {
                tracing::warn!(policy = %info.name, %error, "a policy does not run in this release");
                error.reason()
            });
            slots.push(Arc::new(Slot {
                info,
                program,
                counters,
            }));
        }
        *policies.slots() = slots;
        Ok(policies)
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
        let (mut found, mut slot) = self.candidate(name, component, settings, on_failure)?;
        slot.info.is_enabled = true;
        put(&mut found, slot);
        Ok(RehearsalChains { slots: found })
    }

    /// The slots as they are, and the slot that a component is to have among them.
    fn candidate(
        &self,
        name: &str,
        component: &[u8],
        settings: &str,
        on_failure: OnFailure,
    ) -> Result<(Vec<Arc<Slot>>, Slot), PolicyError> {
        check_name(name)?;
        if settings.len() > SETTINGS_BYTES_MAX {
            let kibibytes = SETTINGS_BYTES_MAX >> 10;
            return Err(PolicyError::Settings(format!(
                "they exceed {kibibytes} KiB"
            )));
        }
        let slots = self.slots().clone();
        let before = slots.iter().find(|slot| slot.info.name == name);
        if before.is_none() && slots.len() >= SLOTS_MAX {
            return Err(PolicyError::Component(format!(
                "there are {SLOTS_MAX} policies already"
            )));
        }
        let counters: Arc<Counters> =
            before.map_or_else(Arc::default, |slot| Arc::clone(&slot.counters));
        let program = self.program(component, settings, || Guest::new(name, &counters))?;
        let digest = digest_of(component);
        let info = PolicyInfo {
            name: name.into(),
            on_failure,
            is_enabled: before.is_none_or(|slot| slot.info.is_enabled),
            previous: before.and_then(|slot| previous_of(slot, &digest, (settings, on_failure))),
            digest,
            settings: settings.into(),
        };
        let slot = Slot {
            info,
            program: Ok(program),
            counters,
        };
        Ok((slots, slot))
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, name: &str) -> Result<Found, PolicyError> {
        let slots = self.slots().clone();
        let at = slots.iter().position(|slot| slot.info.name == name);
        let found = at.and_then(|at| Some((at, Arc::clone(slots.get(at)?))));
        let (at, slot) = found.ok_or_else(|| PolicyError::NotFound(name.into()))?;
        Ok(Found { slots, at, slot })
    }

    /// Compiles and checks a component, and has it describe itself.
    fn described(
        &self,
        component: &[u8],
        guest: Guest,
    ) -> Result<(Policy, Description), PolicyError> {
        check_size(component)?;
        let policy = Policy::compile(&self.sandbox, component)?;
        let description = policy.describe(guest).map_err(PolicyError::Component)?;
        Ok((policy, description))
    }

    /// A component with settings that is to be put in force now.
    fn program(
        &self,
        component: &[u8],
        settings: &str,
        guest: impl Fn() -> Guest,
    ) -> Result<Arc<Program>, PolicyError> {
        let described = self.described(component, guest())?;
        check_settings(&described.1, settings)?;
        configured(described, settings, guest())
    }

    fn read_slots(&self) -> Result<Vec<PolicyInfo>, PolicyError> {
        match fs::read(&self.slots_path) {
            Ok(bytes) => slots_file::decode(&bytes)
                .map_err(|error| PolicyError::Disk(format!("the file `slots`: {error}"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(PolicyError::of_disk(&error)),
        }
    }

    fn write_slots(&self, slots: &[Arc<Slot>]) -> io::Result<()> {
        let infos: Vec<&PolicyInfo> = slots.iter().map(|slot| &slot.info).collect();
        let bytes = slots_file::encode(&infos).map_err(io::Error::other)?;
        if let Some(folder) = self.slots_path.parent() {
            fs::create_dir_all(folder)?;
        }
        replace(&self.slots_path, &bytes)?;
        let in_force = infos.iter().map(|info| &info.digest);
        let previous = infos.iter().filter_map(|info| info.previous.as_ref());
        let referenced: BTreeSet<&str> = in_force
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
    slots: Vec<Arc<Slot>>,
    at: usize,
    slot: Arc<Slot>,
}

impl Found {
    /// The change of this slot to another.
    fn replaced(mut self, slot: Slot, what: String) -> PolicyChange {
        if let Some(place) = self.slots.get_mut(self.at) {
            *place = Arc::new(slot);
        }
        change(self.slots, what)
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

fn check_size(component: &[u8]) -> Result<(), PolicyError> {
    if component.len() > POLICY_BYTES_MAX {
        let mebibytes = POLICY_BYTES_MAX >> 20;
        return Err(PolicyError::Component(format!(
            "it exceeds {mebibytes} MiB"
        )));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), PolicyError> {
    let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_plain) {
        return Err(PolicyError::Name(name.into()));
    }
    Ok(())
}

fn digest_of(component: &[u8]) -> String {
    blake3::hash(component).to_hex().to_string()
}

/// The change to these slots.
fn change(slots: Vec<Arc<Slot>>, what: String) -> PolicyChange {
    PolicyChange {
        chain: Box::new(ComponentChain::new(&slots)),
        kept: KeptChange { slots },
        what,
    }
}

/// Puts a slot in the place of the one with its name, or behind the others.
fn put(slots: &mut Vec<Arc<Slot>>, slot: Slot) {
    match slots.iter_mut().find(|it| it.info.name == slot.info.name) {
        Some(place) => *place = Arc::new(slot),
        None => slots.push(Arc::new(slot)),
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

impl PolicyManager for ComponentPolicies {
    fn open(&self) -> Result<Box<dyn PolicyChain>, PolicyError> {
        Ok(Box::new(ComponentChain::new(&self.slots())))
    }

    fn load(
        &self,
        name: &str,
        component: Vec<u8>,
        settings: String,
        on_failure: OnFailure,
    ) -> Result<PolicyChange, PolicyError> {
        let (mut slots, slot) = self.candidate(name, &component, &settings, on_failure)?;
        // Before the change: until it is kept, nothing refers to the file.
        self.components.store(&slot.info.digest, &component)?;
        let is_there = slots.iter().any(|it| it.info.name == name);
        let verb = if is_there { "swap" } else { "load" };
        put(&mut slots, slot);
        Ok(change(slots, format!("{verb} {name}")))
    }

    fn unload(&self, name: &str) -> Result<PolicyChange, PolicyError> {
        let Found { mut slots, at, .. } = self.find(name)?;
        slots.remove(at);
        Ok(change(slots, format!("unload {name}")))
    }

    fn set_enabled(&self, name: &str, is_enabled: bool) -> Result<PolicyChange, PolicyError> {
        let found = self.find(name)?;
        if let (true, Err(why)) = (is_enabled, &found.slot.program) {
            return Err(PolicyError::Component(why.clone()));
        }
        let mut slot = Slot::clone(&found.slot);
        slot.info.is_enabled = is_enabled;
        let verb = if is_enabled { "enable" } else { "disable" };
        Ok(found.replaced(slot, format!("{verb} {name}")))
    }

    fn reorder(&self, names: &[String]) -> Result<PolicyChange, PolicyError> {
        let mut left = self.slots().clone();
        let mut slots = Vec::with_capacity(left.len());
        for name in names {
            let at = left.iter().position(|slot| slot.info.name == *name);
            slots.push(left.remove(at.ok_or(PolicyError::Order)?));
        }
        if !left.is_empty() {
            return Err(PolicyError::Order);
        }
        Ok(change(slots, format!("reorder: {}", names.join(", "))))
    }

    fn rollback(&self, name: &str) -> Result<PolicyChange, PolicyError> {
        let found = self.find(name)?;
        let slot = &found.slot;
        let wanted = slot.info.previous.clone();
        let wanted = wanted.ok_or_else(|| PolicyError::NoPrevious(name.into()))?;
        let component = self.components.read(&wanted.digest)?;
        let program = self.program(&component, &wanted.settings, || slot.guest())?;
        let info = PolicyInfo {
            digest: wanted.digest,
            settings: wanted.settings,
            on_failure: wanted.on_failure,
            previous: Some(slot.version()),
            ..slot.info.clone()
        };
        let slot = Slot {
            info,
            program: Ok(program),
            counters: Arc::clone(&slot.counters),
        };
        Ok(found.replaced(slot, format!("roll back {name}")))
    }

    fn keep(&self, change: KeptChange) -> Result<(), PolicyError> {
        let mut slots = self.slots();
        *slots = change.slots;
        self.write_slots(&slots)
            .map_err(|error| PolicyError::of_disk(&error))
    }

    fn states(&self) -> Vec<PolicyState> {
        self.slots().iter().map(|slot| slot.state()).collect()
    }

    fn inspect(&self, component: &[u8]) -> Result<Inspection, PolicyError> {
        check_size(component)?;
        let compiled = self
            .sandbox
            .load(component)
            .map_err(|error| PolicyError::Component(error.to_string()))?;
        let Interfaces { imports, exports } = Interfaces::of(&self.sandbox, &compiled);
        let counters = Arc::default();
        let guest = || Guest::new(INSPECTED, &counters);
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
