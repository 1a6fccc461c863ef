//! Runs components, the kernel and the policies: one engine and one set of bounds.
//!
//! Fuel limits the computation of a call and is deterministic: every loop, call and copied byte
//! counts. Memory is capped over everything a store holds. Interrupting calls by a clock (epochs)
//! would add nothing: fuel does not cover the host's own work, but epochs could not interrupt that
//! either, and checking them costs a tenth of the kernel's time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmtime::component::Component;
use wasmtime::{Config, Engine, OptLevel, ResourceLimiter, Store, Trap};

use super::StopKind;
use super::cache::CompiledCache;
use super::pool;

/// Maximum core instances, memories and tables of one component: language runtimes link a few dozen.
pub(super) const INSTANCES_MAX: u32 = 256;

/// Maximum elements of all tables of a store; a language runtime has some ten thousand functions.
pub(super) const TABLE_ELEMENTS_MAX: usize = 1 << 20;

/// Compiles and loads components.
#[derive(Clone)]
pub struct Sandbox {
    engine: Engine,
    cache: Option<Arc<CompiledCache>>,
}

/// Why a component cannot be compiled or loaded.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SandboxError(pub String);

impl Sandbox {
    /// A sandbox that caches compiled components in `cache_dir`, if given.
    ///
    /// # Errors
    /// If this machine cannot run compiled WebAssembly.
    pub fn new(cache_dir: Option<&Path>) -> Result<Sandbox, SandboxError> {
        Sandbox::with(OptLevel::Speed, cache_dir)
    }

    /// A sandbox for instances that live briefly, of at most so many components at the same time, each of whose
    /// memories has at most so many bytes: their memory is used again, which makes an instance several times cheaper.
    /// Where the addresses for it cannot be reserved, it is one of [`Sandbox::new`].
    ///
    /// # Errors
    /// As [`Sandbox::new`].
    pub fn pooled(
        components: u32,
        memory_bytes_max: usize,
        cache_dir: Option<&Path>,
    ) -> Result<Sandbox, SandboxError> {
        let mut config = config(OptLevel::Speed);
        pool::configure(&mut config, components, memory_bytes_max);
        match Engine::new(&config) {
            Ok(engine) => Ok(Sandbox::of(engine, cache_dir)),
            Err(error) => {
                tracing::warn!(%error, "no memory can be reserved for policies; each question costs more");
                Sandbox::new(cache_dir)
            }
        }
    }

    /// A sandbox whose compiler does not optimise. Its results are the same, only slower: replaying
    /// with both reveals compiler bugs.
    ///
    /// # Errors
    /// As [`Sandbox::new`].
    pub fn unoptimised(cache_dir: Option<&Path>) -> Result<Sandbox, SandboxError> {
        Sandbox::with(OptLevel::None, cache_dir)
    }

    fn with(level: OptLevel, cache_dir: Option<&Path>) -> Result<Sandbox, SandboxError> {
        let engine = Engine::new(&config(level));
        let engine = engine.map_err(|error| SandboxError(format!("{error:#}")))?;
        Ok(Sandbox::of(engine, cache_dir))
    }

    fn of(engine: Engine, cache_dir: Option<&Path>) -> Sandbox {
        let cache = cache_dir.map(|dir| Arc::new(CompiledCache::new(dir, &engine)));
        Sandbox { engine, cache }
    }

    /// The underlying engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// How many components were taken from the cache instead of compiled.
    #[must_use]
    pub fn cache_hits(&self) -> u64 {
        self.cache.as_ref().map_or(0, |cache| cache.hits())
    }

    /// Whether the cache has the compiled component of these bytes.
    #[must_use]
    pub fn is_compiled(&self, wasm: &[u8]) -> bool {
        self.cache.as_ref().is_some_and(|cache| cache.has(wasm))
    }

    /// Loads a component, compiling it if the cache does not have it.
    ///
    /// # Errors
    /// If the bytes are not a component or use features that this engine does not support.
    pub fn load(&self, wasm: &[u8]) -> Result<Component, SandboxError> {
        match &self.cache {
            Some(cache) => cache.load(&self.engine, wasm),
            None => Component::from_binary(&self.engine, wasm),
        }
        .map_err(|error| SandboxError(format!("{error:#}")))
    }
}

/// All of these settings affect the compiled code and are part of the cache key.
fn config(level: OptLevel) -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .cranelift_opt_level(level)
        .parallel_compilation(true)
        // Results must not depend on the processor.
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .relaxed_simd_deterministic(true)
        .shared_memory(false)
        // All calls are synchronous.
        .concurrency_support(false);
    config
}

/// Sets the fuel of a store for one call.
///
/// # Errors
/// Never with the sandbox's configuration, which counts fuel.
pub fn refill<T: 'static>(store: &mut Store<T>, fuel: u64) -> wasmtime::Result<()> {
    store.set_fuel(fuel)
}

/// Caps the memory of a store, summed over all its linear memories.
#[derive(Debug)]
pub struct MemoryCap {
    bytes_max: usize,
    bytes: usize,
    table_elements: usize,
    was_reached: bool,
}

/// The error that ends a call asking for more than its cap.
#[derive(Debug, thiserror::Error)]
#[error("the memory cap was reached")]
struct CapReached;

impl MemoryCap {
    /// A cap of this many bytes.
    #[must_use]
    pub fn new(bytes_max: usize) -> MemoryCap {
        MemoryCap {
            bytes_max,
            bytes: 0,
            table_elements: 0,
            was_reached: false,
        }
    }

    /// Present size of the store's memories, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl ResourceLimiter for MemoryCap {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // Growth that fails afterwards remains counted: the call ends soon after anyway.
        let bytes = self.bytes.saturating_add(desired.saturating_sub(current));
        if bytes > self.bytes_max {
            self.was_reached = true;
            return Err(CapReached.into());
        }
        self.bytes = bytes;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let grown = desired.saturating_sub(current);
        let elements = self.table_elements.saturating_add(grown);
        if elements > TABLE_ELEMENTS_MAX {
            self.was_reached = true;
            return Err(CapReached.into());
        }
        self.table_elements = elements;
        Ok(true)
    }

    fn instances(&self) -> usize {
        INSTANCES_MAX as usize
    }

    fn tables(&self) -> usize {
        INSTANCES_MAX as usize
    }

    fn memories(&self) -> usize {
        INSTANCES_MAX as usize
    }
}

/// Why a call ended, and a text for the operator.
#[must_use]
pub fn stop(error: &wasmtime::Error, cap: &MemoryCap) -> (StopKind, String) {
    if cap.was_reached {
        let mebibytes = cap.bytes_max >> 20;
        return (
            StopKind::Memory,
            format!("it asked for more than {mebibytes} MiB of memory"),
        );
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => (StopKind::Fuel, "its fuel was used up".into()),
        Some(trap) => (StopKind::Trap, trap.to_string()),
        None => (StopKind::Trap, error.root_cause().to_string()),
    }
}

/// The folder of the compiled components of a data directory.
#[must_use]
pub fn cache_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("cache")
}
