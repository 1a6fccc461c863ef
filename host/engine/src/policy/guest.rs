//! What the service keeps with an instance of a policy, and the calls that it may make: the log, and WASI
//! if its language needs it.

use std::sync::Arc;

use wasmtime::component::Linker;
use wasmtime::{Store, StoreContextMut, Trap};

use super::bindings::v0_3::causeway::policy::log::Level;
use super::counters::Counters;
use super::interfaces::LOG;
use super::lines::Lines;
use super::wasi::Wasi;
use super::{POLICY_CONTRACT, POLICY_MEMORY_MAX};
use crate::runtime::sandbox::MemoryCap;

/// Maximum bytes that a policy hands over in one call or answer: somewhat more than a revision of
/// the longest post has.
const TRANSFER_BYTES_MAX: usize = 1 << 20;

/// Fuel of a call that writes a line, besides one for each of its bytes. The service's work for it
/// uses none: otherwise a loop of such calls would take minutes.
const LINE_FUEL: u64 = 5_000;

/// State of an instance.
pub(super) struct Guest {
    pub cap: MemoryCap,
    lines: Arc<Lines>,
    /// Time of the step that asks; 0 outside steps.
    now_ms: i64,
    /// Created when it is first used: most policies do not import WASI.
    wasi: Option<Wasi>,
}

impl Guest {
    /// Of a step at this time, after so many lines of earlier instances that count with its own.
    pub(super) fn new(slot: &str, counters: &Arc<Counters>, now_ms: i64, lines: u32) -> Guest {
        Guest {
            cap: MemoryCap::new(POLICY_MEMORY_MAX),
            lines: Arc::new(Lines::new(slot, counters, lines)),
            now_ms,
            wasi: None,
        }
    }

    /// Of a policy that is looked at outside steps.
    pub(super) fn outside_steps(slot: &str, counters: &Arc<Counters>) -> Guest {
        Guest::new(slot, counters, 0, 0)
    }

    /// Lines written, including those of earlier instances.
    pub(super) fn lines(&self) -> u32 {
        self.lines.written()
    }

    /// What it has of WASI.
    pub(super) fn wasi(&mut self) -> &mut Wasi {
        self.wasi
            .get_or_insert_with(|| Wasi::new(self.now_ms, &self.lines))
    }

    /// A store for an instance.
    pub(super) fn into_store(self, engine: &wasmtime::Engine) -> Store<Guest> {
        let mut store = Store::new(engine, self);
        store.limiter(|guest| &mut guest.cap);
        store.set_hostcall_fuel(TRANSFER_BYTES_MAX);
        store
    }
}

/// Provides the log to policies.
pub(super) fn provide_log(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let name = POLICY_CONTRACT.replace('@', &format!("/{LOG}@"));
    linker.instance(&name)?.func_wrap(
        "write",
        |mut store: StoreContextMut<'_, Guest>, (level, line): (Level, String)| {
            let fuel = store.get_fuel()?;
            let cost = LINE_FUEL.saturating_add(line.len() as u64);
            store.set_fuel(fuel.saturating_sub(cost))?;
            if fuel < cost {
                return Err(Trap::OutOfFuel.into());
            }
            store.data().lines.write(level, line);
            Ok(())
        },
    )
}
