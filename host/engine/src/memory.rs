//! An engine without a disk: the native kernel over tables in memory. Everything is gone when the
//! process ends. What the service's parts are tested against, and what they run on until the
//! journaled engine stands behind the same functions.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use causeway_kernel::env::{Host, LogLevel, Range, Rows, Scan, StepContext};
use causeway_kernel::input::{Genesis, Input};
use causeway_kernel::model::Config;
use causeway_kernel::output::{Effect, Reply};
use causeway_kernel::policy::{Question, Verdict};
use causeway_kernel::step;
use causeway_kernel::table::Table;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::SubmitError;
use crate::policy::{OnFailure, PolicyError, PolicyInfo};

/// Workspaces by data directory: opening one again within a process finds it as it was left.
static KEPT: Mutex<BTreeMap<PathBuf, Arc<Mutex<State>>>> = Mutex::new(BTreeMap::new());

type Tables = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// The rows as of one step.
#[derive(Clone, Default)]
pub struct Snapshot(Arc<Tables>);

impl Rows for Snapshot {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        keys.iter()
            .map(|key| self.0.get(&(table, key.clone())).cloned())
            .collect()
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        let last = |key: &Vec<u8>| range.to.is_empty() || *key < range.to;
        let found = self.0.range((table, range.from.clone())..);
        let mut all: Vec<(&Vec<u8>, &Vec<u8>)> = found
            .take_while(|((at, key), _)| *at == table && last(key))
            .map(|((_, key), value)| (key, value))
            .collect();
        if range.reverse {
            all.reverse();
        }
        let (mut rows, mut bytes) = (Vec::new(), 0);
        for (key, value) in &all {
            bytes += key.len() + value.len();
            let full = rows.len() >= range.rows_max as usize;
            if full || (!rows.is_empty() && bytes > range.bytes_max as usize) {
                break;
            }
            rows.push(((*key).clone(), (*value).clone()));
        }
        Scan {
            more: rows.len() < all.len(),
            rows,
        }
    }
}

impl Host for Snapshot {
    fn ask(&self, questions: &[Question]) -> Vec<Verdict> {
        questions.iter().map(|_| Verdict::Allow).collect()
    }

    fn log(&self, level: LogLevel, message: String) {
        match level {
            LogLevel::Debug => tracing::debug!("{message}"),
            LogLevel::Info => tracing::info!("{message}"),
            LogLevel::Warn => tracing::warn!("{message}"),
        }
    }
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// What an engine starts from.
#[derive(Clone)]
pub struct EngineOptions {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where a durable engine keeps its data; made if it does not exist.
    pub data_dir: PathBuf,
    /// The first input.
    pub genesis: Genesis,
}

impl Default for EngineOptions {
    fn default() -> EngineOptions {
        let genesis = Genesis {
            site_url: String::new(),
            config: Config::default(),
        };
        EngineOptions {
            clock: Arc::new(SystemClock),
            data_dir: PathBuf::new(),
            genesis,
        }
    }
}

/// Why an engine cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the data directory cannot be used: {0}")]
pub struct OpenError(#[from] std::io::Error);

/// How an engine fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineStatus {
    /// Why nothing can be written, if so.
    pub read_only: Option<String>,
    /// Steps carried out since the start.
    pub steps: u64,
}

/// The engine. A handle; clones lead to the same one.
#[derive(Clone)]
pub struct Engine {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
    effects: UnboundedSender<Effect>,
}

#[derive(Default)]
struct State {
    rows: Snapshot,
    steps: u64,
    last_ms: i64,
}

impl Engine {
    /// Opens an empty workspace.
    ///
    /// # Errors
    /// When the data directory cannot be made.
    pub fn open(options: EngineOptions) -> Result<(Engine, UnboundedReceiver<Effect>), OpenError> {
        std::fs::create_dir_all(&options.data_dir)?;
        let (effects, receiver) = unbounded_channel();
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.get(&options.data_dir).cloned();
        let is_new = known.is_none();
        let state = known.unwrap_or_default();
        kept.insert(options.data_dir, Arc::clone(&state));
        drop(kept);
        let engine = Engine {
            clock: options.clock,
            state,
            effects,
        };
        if is_new {
            engine.run(&Input::Genesis(options.genesis));
        }
        Ok((engine, receiver))
    }

    /// Carries out an input.
    ///
    /// # Errors
    /// None; a durable engine may refuse to take it.
    pub async fn submit(&self, input: Input) -> Result<Reply, SubmitError> {
        Ok(self.run(&input))
    }

    fn run(&self, input: &Input) -> Reply {
        let mut state = self.lock();
        let mut seed = [0; 16];
        // Without random bytes ids would repeat; the number of the step keeps them apart.
        if getrandom::fill(&mut seed).is_err() {
            seed = u128::from(state.steps).to_be_bytes();
        }
        state.steps += 1;
        state.last_ms = state.last_ms.max(self.now_ms());
        let context = StepContext {
            now_ms: state.last_ms,
            seed,
        };
        let output = step::step(&state.rows, context, input);
        let tables = Arc::make_mut(&mut state.rows.0);
        for write in output.writes {
            match write.value {
                Some(value) => tables.insert((write.table, write.key), value),
                None => tables.remove(&(write.table, write.key)),
            };
        }
        for effect in output.effects {
            if let Effect::Wake { at_ms } = effect {
                self.wake(at_ms);
            }
            // Nobody listens any more when the service ends.
            let _ = self.effects.send(effect);
        }
        output.reply
    }

    /// Gives the kernel a timer at its time.
    fn wake(&self, at_ms: i64) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let wait = u64::try_from(at_ms - self.now_ms()).unwrap_or(0);
        let engine = self.clone();
        runtime.spawn(async move {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            engine.run(&Input::Timer);
        });
    }

    /// The rows as of the last step.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.lock().rows.clone()
    }

    /// The service's clock, in ms.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// How it fares.
    #[must_use]
    pub fn status(&self) -> EngineStatus {
        EngineStatus {
            read_only: None,
            steps: self.lock().steps,
        }
    }

    /// Policies need the component runtime, which this engine does not have.
    ///
    /// # Errors
    /// Always.
    pub async fn load_policy(
        &self,
        _name: &str,
        _component: Vec<u8>,
        _settings: String,
        _on_failure: OnFailure,
    ) -> Result<PolicyInfo, PolicyError> {
        Err(PolicyError::Component(
            "this engine runs no components".to_string(),
        ))
    }

    /// See [`Engine::load_policy`].
    ///
    /// # Errors
    /// Always, as nothing is loaded.
    pub async fn unload_policy(&self, name: &str) -> Result<(), PolicyError> {
        Err(PolicyError::NotFound(name.to_string()))
    }

    /// The policies in force: none.
    #[must_use]
    pub fn policies(&self) -> Vec<PolicyInfo> {
        Vec::new()
    }

    /// Ends the engine.
    pub async fn shutdown(&self) {}

    fn lock(&self) -> MutexGuard<'_, State> {
        // A step's writes are applied whole or not at all.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway_kernel::counters;

    #[tokio::test]
    async fn an_opened_workspace_has_had_its_genesis() {
        let folder = tempfile::tempdir().unwrap();
        let mut options = EngineOptions {
            data_dir: folder.path().into(),
            ..Default::default()
        };
        options.genesis.site_url = "http://x.example".to_string();
        let (engine, _effects) = Engine::open(options).unwrap();
        let workspace = counters::workspace(&engine.snapshot()).unwrap();
        assert_eq!(workspace.site_url, "http://x.example");
        assert_eq!(engine.status().steps, 1);
        assert_eq!(engine.submit(Input::Resume).await, Ok(Reply::Done));
    }
}
