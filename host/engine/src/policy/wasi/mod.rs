//! What a policy has of WASI. The runtimes of many languages import it; so it is there, and there is nothing
//! behind it: no files, no environment, no arguments, and no interface of the network at all. Its clocks and random
//! numbers follow from the time of the step that asks, so a replay gives the same answers. Nothing waits: a
//! call returns at once or fails.

mod cli;
mod clocks;
mod files;
mod io;
mod output;
mod random;

use std::sync::Arc;

use semver::{Version, VersionReq};
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::filesystem::WasiFilesystemCtx;

use super::guest::Guest;
use super::lines::Lines;

/// The interfaces that a policy may import. Those of files are among them because runtimes import them
/// whether or not they are used.
const INTERFACES: [&str; 20] = [
    "cli/environment",
    "cli/exit",
    "cli/stderr",
    "cli/stdin",
    "cli/stdout",
    "cli/terminal-input",
    "cli/terminal-output",
    "cli/terminal-stderr",
    "cli/terminal-stdin",
    "cli/terminal-stdout",
    "clocks/monotonic-clock",
    "clocks/wall-clock",
    "filesystem/preopens",
    "filesystem/types",
    "io/error",
    "io/poll",
    "io/streams",
    "random/insecure",
    "random/insecure-seed",
    "random/random",
];

/// The versions of WASI that run here.
const VERSIONS: &str = "^0.2";

/// Maximum resources of WASI that an instance holds at a time: its three streams and a few more.
const RESOURCES_MAX: usize = 64;

/// Maximum calls of WASI by an instance. The service's work for them uses no fuel: otherwise a loop of
/// them would take many times as long as one of instructions.
const CALLS_MAX: u32 = 100_000;

/// What an instance has of WASI.
pub(super) struct Wasi {
    resources: ResourceTable,
    /// Without any.
    folders: WasiFilesystemCtx,
    lines: Arc<Lines>,
    now_ms: u64,
    /// For how long it would have waited.
    waited_ns: u64,
    numbers: random::Numbers,
    calls: u32,
}

impl Wasi {
    /// Of an instance that is asked in a step at this time, in ms.
    pub(super) fn new(now_ms: i64, lines: &Arc<Lines>) -> Wasi {
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(RESOURCES_MAX);
        Wasi {
            resources,
            folders: WasiFilesystemCtx::default(),
            lines: Arc::clone(lines),
            now_ms: u64::try_from(now_ms).unwrap_or(0),
            waited_ns: 0,
            numbers: random::Numbers::of_step(now_ms),
            calls: 0,
        }
    }

    /// Counts a call.
    fn count(&mut self) -> wasmtime::Result<()> {
        if self.calls == CALLS_MAX {
            return Err(wasmtime::Error::msg(format!(
                "it called WASI more than {CALLS_MAX} times"
            )));
        }
        self.calls += 1;
        Ok(())
    }
}

/// The type by which the service's own interfaces reach [`Wasi`].
struct Own;

impl HasData for Own {
    type Data<'a> = &'a mut Wasi;
}

/// Whether a name is that of an interface which a policy may import.
pub(super) fn is_provided(name: &str) -> bool {
    let named = name
        .strip_prefix("wasi:")
        .and_then(|rest| rest.split_once('@'));
    named.is_some_and(|(interface, version)| {
        let versions = VersionReq::parse(VERSIONS);
        let version = Version::parse(version);
        let runs = matches!((versions, version), (Ok(all), Ok(it)) if all.matches(&it));
        runs && INTERFACES.contains(&interface)
    })
}

/// Provides it to a policy.
pub(super) fn provide(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    io::provide(linker)?;
    clocks::provide(linker)?;
    random::provide(linker)?;
    cli::provide(linker)?;
    files::provide(linker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_may_be_imported_and_only_of_one_version() {
        for good in ["wasi:cli/environment@0.2.0", "wasi:io/streams@0.2.12"] {
            assert!(is_provided(good), "{good}");
        }
        for other in [
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:sockets/network@0.2.0",
            "wasi:sockets/tcp-create-socket@0.2.0",
            "wasi:cli/run@0.2.0",
            "wasi:cli/environment@0.3.0",
            "wasi:cli/environment@0.1.0",
            "wasi:cli/environment",
            "cli/environment@0.2.0",
        ] {
            assert!(!is_provided(other), "{other}");
        }
    }
}
