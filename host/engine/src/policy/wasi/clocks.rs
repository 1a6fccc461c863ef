//! A wall clock that shows the time of the step, and one that moves only when a policy waits, and then at once.

use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use super::super::guest::Guest;
use super::{Own, Wasi};

pub(super) fn provide(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    monotonic_clock::add_to_linker::<Guest, Own>(linker, Guest::wasi)?;
    wall_clock::add_to_linker::<Guest, Own>(linker, Guest::wasi)
}

/// A time on the wall clock.
fn shown(ms: u64) -> wasmtime::Result<wall_clock::Datetime> {
    Ok(wall_clock::Datetime {
        seconds: ms / 1_000,
        nanoseconds: u32::try_from(ms % 1_000)? * 1_000_000,
    })
}

impl wall_clock::Host for Wasi {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        self.count()?;
        shown(self.now_ms)
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        self.count()?;
        shown(1)
    }
}

/// A wait that is over.
struct Over;

#[async_trait]
impl Pollable for Over {
    async fn ready(&mut self) {}
}

impl monotonic_clock::Host for Wasi {
    fn now(&mut self) -> wasmtime::Result<u64> {
        self.count()?;
        Ok(self.waited_ns)
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        self.count()?;
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.count()?;
        self.waited_ns = self.waited_ns.max(when);
        let over = self.resources.push(Over)?;
        subscribe(&mut self.resources, over)
    }

    fn subscribe_duration(&mut self, wait: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.subscribe_instant(self.waited_ns.saturating_add(wait))
    }
}
