//! How components run, the kernel's and the policies': one engine and one set of bounds.
//!
//! Fuel bounds what a call may compute and is equal run by run: every loop, every call and every
//! byte copied counts. Memory is capped over all that a store holds. A clock that interrupts calls
//! (epochs) would add nothing: what fuel does not count is the host's own work, which it could not
//! interrupt either, and looking at it costs a tenth of the kernel's time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmtime::component::Component;
use wasmtime::{Config, Engine, OptLevel, ResourceLimiter, Store, Trap};

use super::StopKind;
use super::cache::CompiledCache;

/// Core instances, memories and tables of one component: language runtimes link a few dozen.
const INSTANCES_MAX: usize = 256;

/// Elements of all tables of a store; a language runtime has some ten thousand functions.
const TABLE_ELEMENTS_MAX: usize = 1 << 20;

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
    /// An engine whose compiled components are kept below `cache_dir`, if there is one.
    ///
    /// # Errors
    /// When this machine cannot run compiled WebAssembly.
    pub fn new(cache_dir: Option<&Path>) -> Result<Sandbox, SandboxError> {
        Sandbox::with(OptLevel::Speed, cache_dir)
    }

    /// One whose compiler does not optimise. It gives the same results, more slowly: a replay by
    /// both shows a fault of the compiler.
    ///
    /// # Errors
    /// As [`Sandbox::new`].
    pub fn unoptimised(cache_dir: Option<&Path>) -> Result<Sandbox, SandboxError> {
        Sandbox::with(OptLevel::None, cache_dir)
    }

    fn with(level: OptLevel, cache_dir: Option<&Path>) -> Result<Sandbox, SandboxError> {
        let engine = Engine::new(&config(level));
        let engine = engine.map_err(|error| SandboxError(format!("{error:#}")))?;
        let cache = cache_dir.map(|dir| Arc::new(CompiledCache::new(dir, &engine)));
        Ok(Sandbox { engine, cache })
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// How many components came from the cache instead of the compiler.
    #[must_use]
    pub fn cache_hits(&self) -> u64 {
        self.cache.as_ref().map_or(0, |cache| cache.hits())
    }

    /// Whether the cache has the compiled component of these bytes.
    #[must_use]
    pub fn is_compiled(&self, wasm: &[u8]) -> bool {
        self.cache.as_ref().is_some_and(|cache| cache.has(wasm))
    }

    /// Loads a component, compiling it when the cache does not have it.
    ///
    /// # Errors
    /// When the bytes are not a component or use what this engine does not run.
    pub fn load(&self, wasm: &[u8]) -> Result<Component, SandboxError> {
        match &self.cache {
            Some(cache) => cache.load(&self.engine, wasm),
            None => Component::from_binary(&self.engine, wasm),
        }
        .map_err(|error| SandboxError(format!("{error:#}")))
    }
}

/// Everything here is part of the compiled code, and so of the cache's key.
fn config(level: OptLevel) -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .cranelift_opt_level(level)
        .parallel_compilation(true)
        // Nothing of a result may hang on the processor at hand.
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .relaxed_simd_deterministic(true)
        .shared_memory(false)
        // Calls are synchronous from end to end.
        .concurrency_support(false);
    config
}

/// Gives a store its bounds for one call.
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

/// The error by which a call ends that asks for more than its cap.
#[derive(Debug, thiserror::Error)]
#[error("the memory cap was reached")]
struct CapReached;

impl MemoryCap {
    /// A cap of so many bytes.
    #[must_use]
    pub fn new(bytes_max: usize) -> MemoryCap {
        MemoryCap {
            bytes_max,
            bytes: 0,
            table_elements: 0,
            was_reached: false,
        }
    }

    /// Bytes that the store's memories have now.
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
        // A growth that fails later on stays counted: the call ends soon after anyway.
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
        INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        INSTANCES_MAX
    }

    fn memories(&self) -> usize {
        INSTANCES_MAX
    }
}

/// What ended a call, and a text for the operator.
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

/// Where the compiled components of a data directory stand.
#[must_use]
pub fn cache_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("cache")
}
