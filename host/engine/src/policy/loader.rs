//! Loads policies and keeps the slots on disk: components by digest, and one file that lists the
//! slots in order and is replaced atomically.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::chain::{ComponentChain, Loaded};
use super::contract::{POLICY_FUEL, Policy};
use super::{
    Description, KeptChange, OnFailure, PolicyChain, PolicyChange, PolicyError, PolicyInfo,
    PolicyManager, PolicyState, Slot,
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

/// Policy components, kept in a folder.
pub struct ComponentPolicies {
    sandbox: Sandbox,
    folder: PathBuf,
    slots: Mutex<Vec<Arc<Loaded>>>,
}

impl ComponentPolicies {
    /// Loads the policies of a data directory.
    ///
    /// # Errors
    /// If a slot on disk cannot be read.
    pub fn open(sandbox: Sandbox, data_dir: &Path) -> Result<ComponentPolicies, PolicyError> {
        let policies = ComponentPolicies {
            sandbox,
            folder: data_dir.join("policies"),
            slots: Mutex::default(),
        };
        let mut slots = Vec::new();
        for info in policies.read_slots()? {
            let component = policies.read_component(&info.digest)?;
            let policy = policies.prepare(&info, &component).map_err(|error| {
                tracing::warn!(policy = %info.name, %error, "a policy does not run in this release");
                error.to_string()
            });
            slots.push(Arc::new(Loaded {
                info,
                component: component.into(),
                policy,
            }));
        }
        *policies.slots() = slots;
        Ok(policies)
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Arc<Loaded>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compiles and checks a component, and has it describe itself and check its settings once.
    fn prepare(
        &self,
        info: &PolicyInfo,
        component: &[u8],
    ) -> Result<(Policy, Description), PolicyError> {
        if component.len() > POLICY_BYTES_MAX {
            let mebibytes = POLICY_BYTES_MAX >> 20;
            return Err(PolicyError::Component(format!(
                "it exceeds {mebibytes} MiB"
            )));
        }
        let policy = Policy::compile(&self.sandbox, component)?;
        let description = policy.describe().map_err(PolicyError::Component)?;
        policy
            .instance(&info.settings, POLICY_FUEL)
            .map_err(PolicyError::Component)?
            .map_err(PolicyError::Settings)?;
        Ok((policy, description))
    }

    /// A slot with a component that runs.
    fn slot(&self, info: PolicyInfo, component: Vec<u8>) -> Result<Arc<Loaded>, PolicyError> {
        let policy = Ok(self.prepare(&info, &component)?);
        Ok(Arc::new(Loaded {
            info,
            component: component.into(),
            policy,
        }))
    }

    fn read_slots(&self) -> Result<Vec<PolicyInfo>, PolicyError> {
        match fs::read(self.folder.join("slots")) {
            Ok(bytes) => postcard::from_bytes(&bytes)
                .map_err(|error| PolicyError::Disk(format!("the file `slots`: {error}"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(disk(&error)),
        }
    }

    fn read_component(&self, digest: &str) -> Result<Vec<u8>, PolicyError> {
        let bytes = fs::read(self.component_path(digest)).map_err(|error| disk(&error))?;
        if blake3::hash(&bytes).to_hex().as_str() == digest {
            Ok(bytes)
        } else {
            Err(PolicyError::Disk(format!(
                "the component {digest} is damaged"
            )))
        }
    }

    fn component_path(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}.wasm"))
    }

    fn write(&self, slots: &[Arc<Loaded>]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        for slot in slots {
            let path = self.component_path(&slot.info.digest);
            if !path.exists() {
                replace(&path, &slot.component)?;
            }
        }
        let infos: Vec<&PolicyInfo> = slots.iter().map(|slot| &slot.info).collect();
        let bytes = postcard::to_allocvec(&infos).map_err(io::Error::other)?;
        replace(&self.folder.join("slots"), &bytes)
    }
}

/// Writes a file atomically and durably.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let half = path.with_extension("tmp");
    let file = fs::File::create(&half)?;
    io::Write::write_all(&mut &file, bytes)?;
    file.sync_all()?;
    fs::rename(&half, path)?;
    match path.parent() {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn disk(error: &io::Error) -> PolicyError {
    PolicyError::Disk(error.to_string())
}

fn check_name(name: &str) -> Result<(), PolicyError> {
    let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_plain) {
        return Err(PolicyError::Name(name.into()));
    }
    Ok(())
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
        check_name(name)?;
        if settings.len() > SETTINGS_BYTES_MAX {
            let kibibytes = SETTINGS_BYTES_MAX >> 10;
            return Err(PolicyError::Settings(format!(
                "they exceed {kibibytes} KiB"
            )));
        }
        let info = PolicyInfo {
            name: name.into(),
            digest: blake3::hash(&component).to_hex().to_string(),
            settings,
            on_failure,
        };
        let loaded = self.slot(info.clone(), component)?;
        let mut slots = self.slots().clone();
        let verb = put(&mut slots, Arc::clone(&loaded));
        if slots.len() > SLOTS_MAX {
            return Err(PolicyError::Component(format!(
                "there are {SLOTS_MAX} policies already"
            )));
        }
        Ok(PolicyChange {
            chain: Box::new(ComponentChain::new(&slots)),
            kept: KeptChange {
                name: name.into(),
                slot: Some(Slot {
                    info,
                    component: loaded.component.to_vec(),
                }),
            },
            what: format!("{verb} {name}"),
        })
    }

    fn unload(&self, name: &str) -> Result<PolicyChange, PolicyError> {
        let mut slots = self.slots().clone();
        let before = slots.len();
        slots.retain(|slot| slot.info.name != name);
        if slots.len() == before {
            return Err(PolicyError::NotFound(name.into()));
        }
        Ok(PolicyChange {
            chain: Box::new(ComponentChain::new(&slots)),
            kept: KeptChange {
                name: name.into(),
                slot: None,
            },
            what: format!("unload {name}"),
        })
    }

    fn keep(&self, change: KeptChange) -> Result<(), PolicyError> {
        let loaded = match change.slot {
            Some(slot) => Some(self.slot(slot.info, slot.component)?),
            None => None,
        };
        let mut slots = self.slots();
        match loaded {
            Some(loaded) => {
                put(&mut slots, loaded);
            }
            None => slots.retain(|slot| slot.info.name != change.name),
        }
        self.write(&slots).map_err(|error| disk(&error))
    }

    fn states(&self) -> Vec<PolicyState> {
        let state = |slot: &Arc<Loaded>| PolicyState {
            info: slot.info.clone(),
            described: match &slot.policy {
                Ok((_, description)) => Ok(description.clone()),
                Err(why) => Err(why.clone()),
            },
        };
        self.slots().iter().map(state).collect()
    }
}

/// Replaces the slot with the same name, or appends the slot; returns the verb for what was done.
fn put(slots: &mut Vec<Arc<Loaded>>, loaded: Arc<Loaded>) -> &'static str {
    match slots
        .iter_mut()
        .find(|slot| slot.info.name == loaded.info.name)
    {
        Some(slot) => {
            *slot = loaded;
            "swap"
        }
        None => {
            slots.push(loaded);
            "load"
        }
    }
}
