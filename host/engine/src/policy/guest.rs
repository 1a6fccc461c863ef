//! What the service keeps with an instance of a policy, and the one thing that it may call: the log.

use std::fmt::Write as _;
use std::sync::Arc;

use wasmtime::component::Linker;
use wasmtime::{Store, StoreContextMut, Trap};

use super::bindings::v0_3::causeway::policy::log::Level;
use super::contract::cut;
use super::counters::Counters;
use super::interfaces::LOG;
use super::{POLICY_CONTRACT, POLICY_MEMORY_MAX};
use crate::runtime::sandbox::MemoryCap;

/// Maximum bytes that a policy hands over in one call or answer: somewhat more than a revision of
/// the longest post has.
const TRANSFER_BYTES_MAX: usize = 1 << 20;

/// Maximum lines in the log for each list of questions.
const LINES_MAX: u32 = 16;

/// Maximum bytes of a line; the rest is cut off.
const LINE_BYTES_MAX: usize = 1_000;

/// Fuel of a call that writes a line, besides one for each of its bytes. The service's work for it
/// uses none: otherwise a loop of such calls would take minutes.
const LINE_FUEL: u64 = 5_000;

/// State of an instance.
pub(super) struct Guest {
    pub cap: MemoryCap,
    /// Name of its slot.
    slot: Arc<str>,
    counters: Arc<Counters>,
    lines: u32,
}

impl Guest {
    pub(super) fn new(slot: &str, counters: &Arc<Counters>) -> Guest {
        Guest {
            cap: MemoryCap::new(POLICY_MEMORY_MAX),
            slot: slot.into(),
            counters: Arc::clone(counters),
            lines: 0,
        }
    }

    /// The same, after so many lines of earlier instances that count with its own.
    pub(super) fn after_lines(self, lines: u32) -> Guest {
        Guest { lines, ..self }
    }

    /// Lines written, including those of [`Guest::after_lines`].
    pub(super) fn lines(&self) -> u32 {
        self.lines
    }

    /// A store for an instance.
    pub(super) fn into_store(self, engine: &wasmtime::Engine) -> Store<Guest> {
        let mut store = Store::new(engine, self);
        store.limiter(|guest| &mut guest.cap);
        store.set_hostcall_fuel(TRANSFER_BYTES_MAX);
        store
    }

    fn write(&mut self, level: Level, line: String) {
        if self.lines == LINES_MAX {
            self.counters.dropped_lines.add(1);
            return;
        }
        self.lines += 1;
        let line = plain(&cut(line, LINE_BYTES_MAX));
        let policy = &*self.slot;
        match level {
            Level::Debug => tracing::debug!(target: "causeway::policy", policy, "{line}"),
            Level::Info => tracing::info!(target: "causeway::policy", policy, "{line}"),
            Level::Warn => tracing::warn!(target: "causeway::policy", policy, "{line}"),
        }
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
            store.data_mut().write(level, line);
            Ok(())
        },
    )
}

/// A line with its control characters escaped.
fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        if c.is_control() {
            // Writing to a string cannot fail.
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cannot_look_like_several_or_move_the_cursor() {
        assert_eq!(plain("a\nb\u{1b}[2Jé\u{85}"), "a\\nb\\u{1b}[2Jé\\u{85}");
    }

    #[test]
    fn what_exceeds_an_instances_lines_is_dropped_and_counted() {
        let counters = Arc::default();
        let mut guest = Guest::new("slot", &counters);
        for _ in 0..LINES_MAX + 3 {
            guest.write(Level::Debug, "x".repeat(2 * LINE_BYTES_MAX));
        }
        assert_eq!(counters.read().dropped_lines, 3);
    }
}
