//! The engine's handle, and opening an engine.

mod policies;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{self, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use causeway_kernel::boundary::input::{Genesis, Input};
use causeway_kernel::boundary::output::{Effect, Reply};
use causeway_kernel::boundary::policy::Gates;
use causeway_kernel::model::{Config, MetaRow};
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::{key, record::Record};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::changes::Changes;
use crate::clock::{Clock, SystemClock};
use crate::data_dir::error::OpenError;
use crate::data_dir::identity::Identity;
use crate::data_dir::kernels::Kernels;
use crate::data_dir::layout::Layout;
use crate::data_dir::rebuild::{rebuild, set_aside, tables_are_missing};
use crate::data_dir::recover::{Recovered, recover};
use crate::data_dir::retention::{Retention, close_old_segment};
use crate::disk::{Disk, RealDisk};
use crate::journal::Digest;
use crate::policy::{NoPolicies, PolicyChain, PolicyManager};
use crate::replay::replayer::Replayer;
use crate::runtime::acceptance::check_accepted;
use crate::runtime::{KernelRunner, KernelSource, NativeSource};
use crate::step::LiveHost;
use crate::store::{Snapshot, View};
use crate::writer::Writer;
use crate::writer::checkpoint::Checkpointer;
use crate::writer::inbox::EngineState;
use crate::writer::queue::{Completion, Job};
use crate::writer::sync;
use crate::{EngineStatus, SubmitError};

/// What an engine starts from.
#[derive(Clone)]
pub struct EngineOptions {
    /// Where the data is kept; created if it does not exist.
    pub data_dir: PathBuf,
    /// The first input of a new workspace.
    pub genesis: Genesis,
    /// The kernel.
    pub kernel: Arc<dyn KernelSource>,
    /// The policies.
    pub policies: Arc<dyn PolicyManager>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// File access.
    pub disk: Arc<dyn Disk>,
    /// How much of the journal is kept.
    pub retention: Retention,
    /// Tables whose changes are noted for a follower: [`Engine::changes`].
    pub followed: &'static [Table],
}

impl Default for EngineOptions {
    /// The native kernel and no policies, on the operating system's files and clock.
    fn default() -> EngineOptions {
        EngineOptions {
            data_dir: PathBuf::new(),
            genesis: Genesis {
                site_url: String::new(),
                config: Config::default(),
            },
            kernel: Arc::new(NativeSource),
            policies: Arc::new(NoPolicies),
            clock: Arc::new(SystemClock),
            disk: Arc::new(RealDisk),
            retention: Retention::default(),
            followed: &[],
        }
    }
}

/// A handle to the engine; clones refer to the same one. The engine ends, with everything on disk,
/// when [`Engine::shutdown`] is called or the last handle is dropped.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<EngineState>,
    clock: Arc<dyn Clock>,
    policies: Arc<dyn PolicyManager>,
    /// Serializes policy changes: each builds on the one before.
    changing: tokio::sync::Mutex<()>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Opens the workspace of a data directory, or creates one. Journal entries that the tables do
    /// not have are replayed. Effects arrive in the order of the steps.
    ///
    /// # Errors
    /// If the data directory is in use, damaged, or cannot be read or written.
    pub fn open(options: EngineOptions) -> Result<(Engine, UnboundedReceiver<Effect>), OpenError> {
        let layout = Layout::of(&options.data_dir);
        layout.make()?;
        let lock = layout.lock()?;
        let kernels = Kernels::new(layout.kernels(), Arc::clone(&options.kernel));
        let (recovered, first_inputs) = match found(&options, &layout, &kernels) {
            Err(error) if error.is_damage() => {
                set_aside(&layout)?;
                found(&options, &layout, &kernels)?
            }
            found => found?,
        };
        let (effects, receiver) = unbounded_channel();
        let engine = Engine {
            inner: Arc::new(start(
                &options,
                recovered,
                first_inputs.kernel,
                effects,
                lock,
            )?),
        };
        for input in first_inputs.inputs {
            engine.submit_now(input)?;
        }
        Identity::of(&options.data_dir).write()?;
        Ok((engine, receiver))
    }

    /// Carries out an input. Returns once it is durable.
    ///
    /// # Errors
    /// If the engine could not accept it, or its step was stopped: nothing changed.
    pub async fn submit(&self, input: Input) -> Result<Reply, SubmitError> {
        let (sender, receiver) = oneshot::channel();
        self.queue(input, None, sender);
        receiver.await.unwrap_or(Err(SubmitError::ShuttingDown))
    }

    fn queue(
        &self,
        input: Input,
        chain: Option<Box<dyn PolicyChain>>,
        sender: oneshot::Sender<Result<Reply, SubmitError>>,
    ) {
        let done: Completion = Box::new(move |result| {
            // The caller may have gone away; the step is still valid.
            let _ = sender.send(result);
        });
        self.inner.shared.submit(Job {
            chain,
            ..Job::new(input, done)
        });
    }

    /// As [`Engine::submit`], blocking the thread.
    fn submit_now(&self, input: Input) -> Result<Reply, SubmitError> {
        let (sender, receiver) = mpsc::channel();
        let done: Completion = Box::new(move |result| {
            // The receiver waits below.
            let _ = sender.send(result);
        });
        self.inner.shared.submit(Job::new(input, done));
        receiver.recv().unwrap_or(Err(SubmitError::ShuttingDown))
    }

    /// The rows as of the last durable step.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.inner.shared.snapshot()
    }

    /// The durable changes of the followed tables since the engine was opened.
    #[must_use]
    pub fn changes(&self) -> Arc<Changes> {
        Arc::clone(&self.inner.shared.changes)
    }

    /// The service's clock, in ms.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.inner.clock.now_ms()
    }

    /// The engine's status.
    #[must_use]
    pub fn status(&self) -> EngineStatus {
        self.inner.shared.status()
    }

    /// Returns once the engine has ended: it was shut down, its writer panicked, or the tables are
    /// damaged; the next [`Engine::open`] rebuilds them then.
    pub async fn closed(&self) {
        self.inner.shared.closed().await;
    }

    /// Ends the engine: queued inputs are carried out, and everything is on disk when this returns.
    pub async fn shutdown(&self) {
        self.inner.shared.put(|inbox| inbox.is_closing = true);
        self.inner.shared.closed().await;
    }
}

/// The rows of a data directory; missing tables are rebuilt from its journal.
fn found(
    options: &EngineOptions,
    layout: &Layout,
    kernels: &Kernels,
) -> Result<(Recovered, FirstInputs), OpenError> {
    if tables_are_missing(layout)? {
        rebuild(&options.disk, layout, kernels)?;
    }
    let recovered = recover(&options.disk, layout, kernels)?;
    let first_inputs = FirstInputs::of(options, layout, kernels, &recovered)?;
    Ok((recovered, first_inputs))
}

/// The inputs to carry out before any other.
struct FirstInputs {
    inputs: Vec<Input>,
    kernel: Box<dyn KernelRunner>,
}

impl FirstInputs {
    fn of(
        options: &EngineOptions,
        layout: &Layout,
        kernels: &Kernels,
        recovered: &Recovered,
    ) -> Result<FirstInputs, OpenError> {
        let mut kernel = kernels.today()?;
        let mut chain = options.policies.open()?;
        if recovered.replayer.head.seq > 0 {
            let Replayer { view, head, .. } = &recovered.replayer;
            let mut host = LiveHost::new(view, chain.as_mut());
            let accepted = check_accepted(kernel.as_mut(), &mut host, head.time_ms);
            host.finish()?;
            accepted?;
        }
        let digest = Digest(kernel.digest());
        let head = &recovered.replayer.head;
        let mut inputs = Vec::new();
        if head.seq == 0 {
            inputs.push(Input::Genesis(options.genesis.clone()));
        } else if head.kernel != digest {
            inputs.push(Input::KernelChanged {
                digest: digest.to_string(),
            });
        }
        if head.kernel != digest {
            kernels.keep_today(digest)?;
        }
        let is_copy = !Identity::of(layout.root()).is_original()?;
        if head.seq > 0 && is_copy {
            tracing::warn!("this data directory is a copy: it starts a new incarnation");
            inputs.push(Input::Restored);
        }
        // A new kernel may be the first one to which the gates matter, and in a new release a policy may
        // no longer run, which closes every gate.
        let is_new_kernel = head.seq > 0 && head.kernel != digest;
        let gates = chain.gates();
        let noted = noted_gates(&recovered.replayer.view)?;
        let is_noted = noted.is_none_or(|noted| noted == gates);
        if head.policies != chain.digest() || is_new_kernel || !is_noted {
            inputs.push(Input::PolicyChanged {
                chain: chain.digest(),
                what: "as found at the start".to_string(),
                gates: Some(gates),
            });
        }
        Ok(FirstInputs { inputs, kernel })
    }
}

/// The gates that the workspace knows to be those at which policies decide.
fn noted_gates(view: &View) -> Result<Option<Gates>, OpenError> {
    let key = key::encode(&MetaRow::GATES);
    let found = view.get_many(u64::MAX, MetaRow::TABLE, &[key])?;
    let row = found.into_iter().flatten().next();
    Ok(match row.as_deref().and_then(MetaRow::from_bytes) {
        Some(MetaRow::Gates(gates)) => Some(gates),
        _ => None,
    })
}

fn start(
    options: &EngineOptions,
    recovered: Recovered,
    kernel: Box<dyn KernelRunner>,
    effects: UnboundedSender<Effect>,
    lock: File,
) -> Result<Inner, OpenError> {
    let Recovered {
        replayer,
        tables,
        mut journal,
    } = recovered;
    let layout = Layout::of(&options.data_dir);
    let now_ms = options.clock.now_ms();
    close_old_segment(options.retention, &layout, &mut journal, now_ms)?;
    let mut head = replayer.head;
    let view = replayer.view;
    let chain = options.policies.open()?;
    let snapshot = Snapshot {
        view: view.clone(),
        seq: head.seq,
    };
    let shared = Arc::new(EngineState::new(snapshot, options.followed));
    let durable = head.clone();
    head.kernel = Digest(kernel.digest());
    let (groups, to_sync) = channel();
    let (checkpoints, to_write) = channel();
    let writer = Writer {
        shared: Arc::clone(&shared),
        clock: Arc::clone(&options.clock),
        kernel,
        chain,
        policies: Arc::clone(&options.policies),
        durable,
        head,
        groups,
        checkpoints,
        state: crate::writer::State::after_recovery(&view),
        view,
    };
    let checkpointer = Checkpointer {
        disk: Arc::clone(&options.disk),
        path: layout.tables(),
        tables: Some(tables),
    };
    let keeper = options
        .retention
        .keeper(layout.clone(), Arc::clone(&shared));
    let syncing = spawn("journal", {
        let retention = options.retention;
        let journal = journal
            .with_segment_bytes(retention.segment_bytes)
            .with_segment_age(retention.segment_age());
        let (shared, journal) = (Arc::clone(&shared), Box::new(journal));
        move || sync::run(journal, &to_sync, &shared, &effects)
    })?;
    let checkpointing = spawn("checkpoint", {
        let shared = Arc::clone(&shared);
        move || {
            checkpointer.run(&to_write, &shared, |base, position| {
                keeper.look(base, position)
            })
        }
    })?;
    let writing = spawn("writer", {
        let shared = Arc::clone(&shared);
        move || {
            if catch_unwind(AssertUnwindSafe(|| writer.run())).is_err() {
                tracing::error!("the writer panicked; durable steps are not affected");
            }
            // The other threads end once the writer is gone; then they no longer use the files.
            for thread in [syncing, checkpointing] {
                // A panic has already been reported by the thread.
                let _ = thread.join();
            }
            if shared.status().tables_are_damaged
                && let Err(error) = set_aside(&layout)
            {
                tracing::error!(%error, "cannot set the damaged tables aside");
            }
            drop(lock);
            shared.close();
        }
    })?;
    Ok(Inner {
        shared,
        clock: Arc::clone(&options.clock),
        policies: Arc::clone(&options.policies),
        changing: tokio::sync::Mutex::default(),
        writer: Mutex::new(Some(writing)),
    })
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    Ok(thread::Builder::new().name(name.into()).spawn(run)?)
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.put(|inbox| inbox.is_closing = true);
        let writer = self
            .writer
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = writer.take() {
            // A panic has already been reported by the thread.
            let _ = writer.join();
        }
    }
}
