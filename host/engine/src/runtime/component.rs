//! The kernel as a WebAssembly component, as the service runs it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use causeway_kernel::boundary::codec::INPUT_VERSION;
use causeway_kernel::boundary::env::{LogLevel, PANIC_PREFIX, Range, Scan, StepContext};
use causeway_kernel::boundary::output::Write;
use causeway_kernel::rows::table::Table;
use wasmtime::Store;
use wasmtime::component::{Component, HasSelf, Linker};

use super::compiler_limits::{self, KERNEL_LIMITS};
use super::current_host;
use super::native::panic_text;
use super::sandbox::{MemoryCap, Sandbox, refill, stop};
use super::{KernelError, KernelRunner, KernelSource, StepEnd, StepHost, StepOutput, StopKind};
use bindings::causeway::kernel::types::{Context, Failure};
use bindings::causeway::kernel::{log, policies, store, types};

#[allow(
    unsafe_code,
    missing_docs,
    reason = "generated: values cross the component's boundary by raw memory"
)]
mod bindings {
    wasmtime::component::bindgen!({
        world: "kernel",
        path: "../../wit/kernel",
        imports: { default: trappable },
    });
}

/// The kernel component from the same build as this crate.
pub static EMBEDDED_KERNEL: &[u8] = include_bytes!(env!("CAUSEWAY_KERNEL"));

/// The kernel's world, with the version of its package.
pub const KERNEL_WORLD: &str = "causeway:kernel/kernel@0.1.0";

/// Fuel of one step: a few seconds of computation. The heaviest valid input needs a tenth.
pub const STEP_FUEL: u64 = 4_000_000_000;

/// Maximum bytes of memory of a step.
pub const STEP_MEMORY_MAX: usize = 256 << 20;

/// Maximum bytes of memory that a kernel may keep between steps; an instance that grew beyond that is
/// replaced, as WebAssembly memories never shrink.
pub const KERNEL_MEMORY_KEPT_MAX: usize = 32 << 20;

/// Maximum bytes of a log line; the rest is cut off.
const LOG_LINE_BYTES_MAX: usize = 2_000;

/// How to run a kernel component.
#[derive(Clone, Debug)]
pub struct ComponentOptions {
    /// Fuel of one step.
    pub step_fuel: u64,
    /// Maximum bytes of memory of a step.
    pub step_memory_max: usize,
    /// Whether every step gets a fresh instance. Tests use this to check that the outcome is the
    /// same; it costs some 20 µs per step.
    pub recycle_every_step: bool,
}

impl Default for ComponentOptions {
    fn default() -> ComponentOptions {
        ComponentOptions {
            step_fuel: STEP_FUEL,
            step_memory_max: STEP_MEMORY_MAX,
            recycle_every_step: false,
        }
    }
}

/// Opens kernel components.
#[derive(Clone)]
pub struct ComponentSource {
    sandbox: Sandbox,
    component: Cow<'static, [u8]>,
    options: ComponentOptions,
    /// Opened kernels by digest, so that threads share the compiled code.
    prepared: Arc<Mutex<BTreeMap<[u8; 32], Prepared>>>,
}

/// A compiled kernel, ready to be instantiated.
type Prepared = bindings::KernelPre<State>;

impl ComponentSource {
    /// Opens the kernel that this crate was built with.
    #[must_use]
    pub fn embedded(sandbox: Sandbox, options: ComponentOptions) -> ComponentSource {
        ComponentSource::of(sandbox, Cow::Borrowed(EMBEDDED_KERNEL), options)
    }

    /// Opens the kernel of these bytes.
    #[must_use]
    pub fn of(
        sandbox: Sandbox,
        component: Cow<'static, [u8]>,
        options: ComponentOptions,
    ) -> ComponentSource {
        ComponentSource {
            sandbox,
            component,
            options,
            prepared: Arc::default(),
        }
    }

    /// The kernel of these bytes.
    fn kernel(&self, wasm: &[u8]) -> Result<ComponentKernel, KernelError> {
        let digest = *blake3::hash(wasm).as_bytes();
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        let pre = match prepared.get(&digest) {
            Some(pre) => pre.clone(),
            None => {
                let pre = prepare(&self.sandbox, wasm)?;
                prepared.insert(digest, pre.clone());
                pre
            }
        };
        Ok(ComponentKernel {
            digest,
            pre,
            options: Arc::new(self.options.clone()),
            warm: None,
            fuel_used: 0,
        })
    }
}

impl KernelSource for ComponentSource {
    fn open(&self) -> Result<Box<dyn KernelRunner>, KernelError> {
        let mut kernel = self.kernel(&self.component)?;
        kernel.check_input_version()?;
        Ok(Box::new(kernel))
    }

    fn component(&self) -> Option<&[u8]> {
        Some(&self.component)
    }

    fn open_component(&self, component: &[u8]) -> Result<Box<dyn KernelRunner>, KernelError> {
        Ok(Box::new(self.kernel(component)?))
    }
}

/// A kernel component and, between steps, the warm instance for the next step.
struct ComponentKernel {
    digest: [u8; 32],
    pre: Prepared,
    options: Arc<ComponentOptions>,
    warm: Option<Instance>,
    /// Fuel used by the last step.
    fuel_used: u64,
}

struct Instance {
    store: Store<State>,
    kernel: bindings::Kernel,
}

/// State of an instance for its imports, in addition to the host that is lent to them.
struct State {
    cap: MemoryCap,
    /// The panic hook's message in this step.
    panic: Option<String>,
}

impl ComponentKernel {
    /// Refuses a kernel that cannot read the current input version.
    fn check_input_version(&mut self) -> Result<(), KernelError> {
        let versions = self.instance().and_then(|mut instance| {
            refill(&mut instance.store, self.options.step_fuel)?;
            let versions = instance.kernel.call_input_versions(&mut instance.store)?;
            self.warm = Some(instance);
            Ok(versions)
        });
        let versions = versions.map_err(|error| KernelError(format!("{error:#}")))?;
        if versions.contains(&INPUT_VERSION) {
            Ok(())
        } else {
            Err(KernelError(format!(
                "it reads inputs of versions {versions:?}, but not of version {INPUT_VERSION}"
            )))
        }
    }

    /// The warm instance, or a fresh one.
    fn instance(&mut self) -> wasmtime::Result<Instance> {
        if let Some(instance) = self.warm.take() {
            return Ok(instance);
        }
        let state = State {
            cap: MemoryCap::new(self.options.step_memory_max),
            panic: None,
        };
        let mut store = Store::new(self.pre.engine(), state);
        store.limiter(|state| &mut state.cap);
        refill(&mut store, self.options.step_fuel)?;
        let kernel = self.pre.instantiate(&mut store)?;
        Ok(Instance { store, kernel })
    }

    fn run(&mut self, context: StepContext, input: &[u8]) -> StepEnd {
        let mut instance = match self.instance() {
            Ok(instance) => instance,
            Err(error) => return stopped(StopKind::Trap, format!("no instance: {error:#}")),
        };
        let store = &mut instance.store;
        store.data_mut().panic = None;
        let called = refill(store, self.options.step_fuel).and_then(|()| {
            let context = bindings_context(context);
            instance.kernel.call_step(&mut *store, context, input)
        });
        let left = store.get_fuel().unwrap_or(0);
        self.fuel_used = self.options.step_fuel.saturating_sub(left);
        match called {
            Ok(result) => {
                let keeps_little = store.data().cap.bytes() <= KERNEL_MEMORY_KEPT_MAX;
                if keeps_little && !self.options.recycle_every_step {
                    self.warm = Some(instance);
                }
                end(result)
            }
            // The instance cannot be entered again: it is dropped with its store.
            Err(error) => trapped(&error, store.data()),
        }
    }
}

impl KernelRunner for ComponentKernel {
    fn digest(&self) -> [u8; 32] {
        self.digest
    }

    fn step(&mut self, host: &mut dyn StepHost, context: StepContext, input: &[u8]) -> StepEnd {
        // A panic in the host's part unwinds through the component, whose instance is then lost.
        let run = AssertUnwindSafe(|| current_host::set_during(host, || self.run(context, input)));
        catch_unwind(run)
            .unwrap_or_else(|panic| stopped(StopKind::Panic, panic_text(panic.as_ref())))
    }

    fn memory_bytes(&self) -> usize {
        let warm = self.warm.as_ref();
        warm.map_or(0, |instance| instance.store.data().cap.bytes())
    }

    fn fuel_used(&self) -> Option<u64> {
        Some(self.fuel_used)
    }
}

/// Fails if the bytes are not a component of the world `kernel`, or exceed the compiler limits.
fn prepare(sandbox: &Sandbox, wasm: &[u8]) -> Result<Prepared, KernelError> {
    compiler_limits::check(wasm, KERNEL_LIMITS).map_err(KernelError)?;
    let component = sandbox
        .load(wasm)
        .map_err(|error| KernelError(error.to_string()))?;
    link(sandbox, &component).map_err(|error| KernelError(format!("{error:#}")))
}

fn link(sandbox: &Sandbox, component: &Component) -> wasmtime::Result<Prepared> {
    let mut linker = Linker::new(sandbox.engine());
    bindings::Kernel::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    bindings::KernelPre::new(linker.instantiate_pre(component)?)
}

fn bindings_context(context: StepContext) -> Context {
    let seed = u128::from_be_bytes(context.seed);
    Context {
        now_ms: context.now_ms,
        // The two halves of the seed.
        seed: ((seed >> 64) as u64, seed as u64),
    }
}

fn stopped(kind: StopKind, detail: String) -> StepEnd {
    StepEnd::Stopped { kind, detail }
}

fn trapped(error: &wasmtime::Error, state: &State) -> StepEnd {
    let (kind, detail) = stop(error, &state.cap);
    match &state.panic {
        Some(text) if kind == StopKind::Trap => stopped(StopKind::Panic, text.clone()),
        _ => stopped(kind, detail),
    }
}

fn end(result: Result<types::Output, Failure>) -> StepEnd {
    let output = match result {
        Ok(output) => output,
        Err(Failure::UnknownInput(why)) => return stopped(StopKind::UnknownInput, why),
    };
    let writes: Option<Vec<Write>> = output.writes.into_iter().map(row_write).collect();
    match writes {
        Some(writes) => StepEnd::Done(StepOutput {
            reply: output.reply,
            writes,
            effects: output.effects,
        }),
        None => stopped(
            StopKind::Trap,
            "it wrote to a table that does not exist".into(),
        ),
    }
}

fn row_write(write: types::Write) -> Option<Write> {
    Some(Write {
        table: Table::from_code(write.table)?,
        key: write.key,
        value: write.value,
    })
}

fn table(code: u8) -> wasmtime::Result<Table> {
    Table::from_code(code)
        .ok_or_else(|| wasmtime::Error::msg("it named a table that does not exist"))
}

/// Runs an import on the step's host.
fn on_host<R>(act: impl FnOnce(&mut dyn StepHost) -> R) -> wasmtime::Result<R> {
    current_host::with(act)
        .ok_or_else(|| wasmtime::Error::msg("it called an import outside of a step"))
}

impl store::Host for State {
    fn get_many(&mut self, code: u8, keys: Vec<Vec<u8>>) -> wasmtime::Result<Vec<Option<Vec<u8>>>> {
        let table = table(code)?;
        on_host(|host| host.get_many(table, &keys))
    }

    fn scan(
        &mut self,
        code: u8,
        from: Vec<u8>,
        to: Vec<u8>,
        reverse: bool,
        rows_max: u32,
        bytes_max: u32,
    ) -> wasmtime::Result<store::Page> {
        let table = table(code)?;
        let range = Range {
            from,
            to,
            reverse,
            rows_max,
            bytes_max,
        };
        let Scan { rows, more } = on_host(|host| host.scan(table, &range))?;
        let rows = rows
            .into_iter()
            .map(|(key, value)| store::Row { key, value })
            .collect();
        Ok(store::Page { rows, more })
    }
}

impl policies::Host for State {
    fn ask(&mut self, questions: Vec<Vec<u8>>) -> wasmtime::Result<Vec<Vec<u8>>> {
        on_host(|host| host.ask(questions))
    }
}

impl log::Host for State {
    fn write(&mut self, level: log::Level, mut message: String) -> wasmtime::Result<()> {
        message.truncate(message.floor_char_boundary(LOG_LINE_BYTES_MAX));
        if let Some(text) = message.strip_prefix(PANIC_PREFIX) {
            self.panic = Some(text.to_owned());
        }
        let level = match level {
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
        };
        on_host(|host| host.log(level, message))
    }
}

impl types::Host for State {}
