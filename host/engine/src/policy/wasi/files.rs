//! Files: there is no folder to begin with, so nothing else of them can be called.

use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystem, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::sync::filesystem::types;

use super::super::guest::Guest;
use super::{Own, Wasi};

pub(super) fn provide(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    preopens::add_to_linker::<Guest, Own>(linker, Guest::wasi)?;
    types::add_to_linker::<Guest, WasiFilesystem>(linker, |guest| {
        let wasi = guest.wasi();
        WasiFilesystemCtxView {
            ctx: &mut wasi.folders,
            table: &mut wasi.resources,
        }
    })
}

impl preopens::Host for Wasi {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        self.count()?;
        Ok(Vec::new())
    }
}
