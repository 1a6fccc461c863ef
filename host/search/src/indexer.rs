//! The thread that keeps the index current. It follows the durable changes and never holds up the writer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use causeway_engine::{Batch, Changed, Changes, Engine, Snapshot};
use causeway_kernel::boundary::env::{Range, Rows};
use causeway_kernel::model::{File, Post};
use causeway_kernel::rows::id::{FileNo, PostNo};
use causeway_kernel::rows::key;
use causeway_kernel::rows::record::{Record, SCAN_BYTES_MAX};
use causeway_kernel::rows::table::Table;
use tantivy::{IndexReader, TantivyError};

use crate::index::{About, Entry, Fields, Writing, each_held, folder, forget};

/// The tables that the index follows.
pub const FOLLOWED: &[Table] = &[Table::Posts, Table::Files];

/// How long a change may wait until it is in the index, if nobody searches.
const GATHER: Duration = Duration::from_secs(1);
/// How long a search waits until the index has what was durable when the search began.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// Pause before an index that could not be written is begun anew.
const PAUSE: Duration = Duration::from_secs(30);
/// How often the indexer looks around without being woken.
const LOOK: Duration = Duration::from_secs(60);
/// Rows that are read at once while the index is built.
const GROUP: usize = 1_000;
/// Objects after which an index that is being built is made durable.
const BUILT_AT_ONCE: usize = 100_000;

/// Why nothing could be searched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// There is no index at the moment.
    #[error("the index of search is being prepared")]
    NotReady,
    /// The index could not be read; it is begun anew.
    #[error("the index of search cannot be read: {0}")]
    Unreadable(String),
}

/// What searches see of the index.
#[derive(Clone)]
pub(crate) struct Shown {
    pub reader: IndexReader,
    pub fields: Fields,
}

#[derive(Default)]
struct State {
    shown: Option<Shown>,
    /// The step up to which it is complete; `None` while it is being built.
    current: Option<u64>,
    /// The highest step that a search waits for.
    demanded: u64,
    /// Whether a search found it to be damaged.
    is_damaged: bool,
    is_stopping: bool,
}

struct Shared {
    state: Mutex<State>,
    advanced: Condvar,
    changes: Arc<Changes>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every critical section leaves the state consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, shown: Option<Shown>, current: Option<u64>) {
        let mut state = self.lock();
        state.shown = shown;
        state.current = current;
        drop(state);
        self.advanced.notify_all();
    }

    fn is_stopping(&self) -> bool {
        self.lock().is_stopping
    }

    /// Asks for everything up to a step, and waits as long as the index is behind.
    fn wait(
        &self,
        seq: u64,
        longest: Duration,
        is_behind: impl Fn(&State) -> bool,
    ) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        if !is_behind(&state) {
            return state;
        }
        state.demanded = state.demanded.max(seq);
        drop(state);
        // Changes are locked before the state, never after it.
        self.changes.wake();
        let waited = self
            .advanced
            .wait_timeout_while(self.lock(), longest, |state| is_behind(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// The index of a running workspace. Dropping it ends the indexer.
pub struct Search {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Search {
    /// Starts to follow an engine that notes the changes of [`FOLLOWED`]. The index is opened, and built if
    /// need be, in the background.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn start(data: &Path, engine: Engine) -> std::io::Result<Search> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            advanced: Condvar::new(),
            changes: engine.changes(),
        });
        let indexer = Indexer {
            shared: Arc::clone(&shared),
            folder: folder(data),
            engine,
        };
        let thread = thread::Builder::new().name("search".into());
        Ok(Search {
            shared,
            thread: Mutex::new(Some(thread.spawn(move || indexer.run())?)),
        })
    }

    /// Ends the indexer. What is durable by now is in the index when this returns.
    pub fn stop(&self) {
        self.shared.lock().is_stopping = true;
        self.shared.changes.wake();
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // A panic was reported by the thread.
            let _ = thread.join();
        }
    }

    /// The step up to which the index is complete; `None` while it is being built.
    #[must_use]
    pub fn current(&self) -> Option<u64> {
        self.shared.lock().current
    }

    /// Blocks until the index is complete up to a step, also while it is being built, and says whether it is.
    #[must_use]
    pub fn wait(&self, seq: u64, longest: Duration) -> bool {
        let is_behind = |state: &State| state.current.is_none_or(|current| current < seq);
        !is_behind(&self.shared.wait(seq, longest, is_behind))
    }

    /// The index, once it has everything up to a step, or when that takes longer than a search waits. Nothing
    /// is waited for while it is being built.
    pub(crate) fn shown(&self, seq: u64) -> Result<Shown, SearchError> {
        let is_behind = |state: &State| state.current.is_some_and(|current| current < seq);
        let state = self.shared.wait(seq, WAIT_MAX, is_behind);
        state.shown.clone().ok_or(SearchError::NotReady)
    }

    /// Has the index built again, as it cannot be read.
    pub(crate) fn is_damaged(&self, error: &TantivyError) -> SearchError {
        tracing::error!(%error, "the index of search cannot be read; it is built again");
        self.shared.lock().is_damaged = true;
        self.shared.changes.wake();
        SearchError::Unreadable(error.to_string())
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Why the indexer gave up an index.
#[derive(Debug)]
enum Ended {
    /// The service stops.
    Stopping,
    /// The index is not usable.
    Failed(String),
    /// The tables could not be read: the index is as good as it was.
    Unread,
}

impl From<TantivyError> for Ended {
    fn from(error: TantivyError) -> Ended {
        Ended::Failed(error.to_string())
    }
}

struct Indexer {
    shared: Arc<Shared>,
    folder: PathBuf,
    engine: Engine,
}

impl Indexer {
    fn run(&self) {
        let mut is_first = true;
        loop {
            // The index is not trusted: its files may hold anything.
            let ended = catch_unwind(AssertUnwindSafe(|| self.follow(is_first)));
            is_first = false;
            self.shared.show(None, None);
            match ended {
                Ok(Err(Ended::Stopping) | Ok(())) => return,
                Ok(Err(Ended::Failed(error))) => {
                    tracing::error!(error, "the index of search failed; it is built again");
                    self.forget();
                }
                Err(_) => {
                    tracing::error!("the indexer panicked; the index of search is built again");
                    self.forget();
                }
                // The engine has noted the damage and ends; the next one has new tables.
                Ok(Err(Ended::Unread)) if self.engine.status().tables_are_damaged => return,
                Ok(Err(Ended::Unread)) => tracing::error!("rows could not be read for search"),
            }
            if self.pause().is_err() {
                return;
            }
        }
    }

    fn forget(&self) {
        if let Err(error) = forget(&self.folder) {
            tracing::error!(%error, "cannot remove the index of search");
        }
    }

    fn pause(&self) -> Result<(), Ended> {
        let since = Instant::now();
        while since.elapsed() < PAUSE {
            self.go_on()?;
            let left = || Err(PAUSE.saturating_sub(since.elapsed()));
            self.shared.changes.wait(|_| left());
        }
        self.go_on()
    }

    /// Opens the index, brings it up to date, and follows the changes.
    fn follow(&self, is_first: bool) -> Result<(), Ended> {
        self.shared.lock().is_damaged = false;
        let mut index = Writing::open(&self.folder)?;
        let shown = |index: &Writing| Shown {
            reader: index.reader.clone(),
            fields: index.fields,
        };
        let start = self.shared.changes.start();
        if index.current.is_some_and(|current| current > start) {
            tracing::warn!("the index of search is of a later state; it is built again");
            drop(index);
            index = Writing::create(&self.folder)?;
        }
        // Changes that an index took before it failed are not told again.
        if !is_first || index.current != Some(start) {
            self.shared.show(Some(shown(&index)), None);
            self.build(&mut index)?;
        }
        loop {
            self.shared.show(Some(shown(&index)), index.current);
            self.gather(index.current.unwrap_or(0));
            let (is_stopping, is_damaged) = {
                let state = self.shared.lock();
                (state.is_stopping, state.is_damaged)
            };
            if is_damaged {
                return Err(Ended::Failed("a search could not read it".to_string()));
            }
            let batch = self.shared.changes.take();
            if batch.is_incomplete {
                self.shared.show(Some(shown(&index)), None);
                self.build(&mut index)?;
            } else if index.current != Some(batch.seq) {
                self.carry_over(&mut index, &batch)?;
            }
            if is_stopping {
                index.close()?;
                return Ok(());
            }
        }
    }

    /// Waits until a search asks for more than the index has, or something has waited long enough.
    fn gather(&self, current: u64) {
        let since = Instant::now();
        self.shared.changes.wait(|batch| {
            let state = self.shared.lock();
            if state.is_stopping || state.is_damaged {
                return Ok(());
            }
            let is_asked_for = state.demanded > current && batch.seq >= state.demanded;
            let left = GATHER.saturating_sub(since.elapsed());
            let has_some = !batch.rows.is_empty() || batch.is_incomplete;
            match (is_asked_for, has_some) {
                (true, _) => Ok(()),
                (false, true) if left.is_zero() => Ok(()),
                (false, true) => Err(left),
                (false, false) => Err(LOOK),
            }
        });
    }

    /// Brings the index up to the rows that changed.
    fn carry_over(&self, index: &mut Writing, batch: &Batch) -> Result<(), Ended> {
        if batch.rows.is_empty() {
            // Nothing to write: the steps since then changed neither posts nor files.
            index.current = Some(batch.seq);
            return Ok(());
        }
        let about = |(table, bytes): &Changed| match table {
            Table::Posts => key::decode::<PostNo>(bytes).map(About::Post),
            _ => key::decode::<FileNo>(bytes).map(About::File),
        };
        let changed: Vec<About> = batch.rows.iter().filter_map(about).collect();
        let searcher = index.reader.searcher();
        for group in changed.chunks(GROUP) {
            for (about, entry) in group.iter().zip(self.entries(group.iter())?) {
                index.refresh(&searcher, *about, entry.as_ref())?;
            }
        }
        index.commit(Some(batch.seq))?;
        Ok(())
    }

    /// What is to be held of objects as their rows are now.
    fn entries<'a>(
        &self,
        objects: impl Iterator<Item = &'a About>,
    ) -> Result<Vec<Option<Entry>>, Ended> {
        self.read(|rows| objects.map(|about| Entry::read(rows, *about)).collect())
    }

    /// Reads rows. Tables that cannot be read unwind their reader.
    fn read<T>(&self, read: impl FnOnce(&Snapshot) -> T) -> Result<T, Ended> {
        let rows = self.engine.snapshot();
        catch_unwind(AssertUnwindSafe(|| read(&rows))).map_err(|_| Ended::Unread)
    }

    /// Brings the whole index up to the rows: first what it holds, then what is newer.
    fn build(&self, index: &mut Writing) -> Result<(), Ended> {
        let begun = Instant::now();
        // What changes from now on is noted.
        let seq = self.shared.changes.take().seq;
        let searcher = index.reader.searcher();
        let (post, file) = each_held(&searcher, GROUP, |held| {
            let entries = self.entries(held.iter().map(|(about, _)| about))?;
            for ((about, version), entry) in held.iter().zip(entries) {
                if entry.as_ref().map(|entry| entry.version) != Some(*version) {
                    index.refresh(&searcher, *about, entry.as_ref())?;
                }
            }
            self.go_on()
        })?;
        drop(searcher);
        let mut added = 0;
        self.add_after::<Post>(index, &mut added, post.0, |no, post| {
            Entry::of_post(PostNo(no), post)
        })?;
        self.add_after::<File>(index, &mut added, file.0, |no, file| {
            Some(Entry::of_file(FileNo(no), file))
        })?;
        index.commit(Some(seq))?;
        let took_ms = begun.elapsed().as_millis();
        tracing::info!(added, took_ms, "the index of search is up to date");
        Ok(())
    }

    /// Adds the objects of a table after a number, in the order of their numbers. What has a lower number and
    /// is not held is not to be held: nothing that is deleted comes back.
    fn add_after<R: Record>(
        &self,
        index: &mut Writing,
        added: &mut usize,
        after: u64,
        entry: impl Fn(u64, R) -> Option<Entry>,
    ) -> Result<(), Ended> {
        let mut from = key::encode(&(after + 1));
        loop {
            let range = Range {
                from,
                to: Vec::new(),
                reverse: false,
                rows_max: u32::try_from(GROUP).unwrap_or(u32::MAX),
                bytes_max: SCAN_BYTES_MAX,
            };
            let found = self.read(|rows| rows.scan(R::TABLE, &range))?;
            for (bytes, value) in &found.rows {
                let row = key::decode::<u64>(bytes).zip(R::from_bytes(value));
                let Some(entry) = row.and_then(|(no, row)| entry(no, row)) else {
                    continue;
                };
                index.add(&entry)?;
                *added += 1;
                if added.is_multiple_of(BUILT_AT_ONCE) {
                    index.commit(None)?;
                }
            }
            self.go_on()?;
            match found.rows.into_iter().next_back() {
                Some((mut last, _)) if found.more => {
                    last.push(0);
                    from = last;
                }
                _ => return Ok(()),
            }
        }
    }

    fn go_on(&self) -> Result<(), Ended> {
        if self.shared.is_stopping() {
            Err(Ended::Stopping)
        } else {
            Ok(())
        }
    }
}
