//! What the writer waits for, and what it shares with other threads.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use causeway_kernel::rows::table::Table;

use super::checkpoint::Checkpointed;
use crate::changes::Changes;
use crate::store::{Snapshot, View};
use crate::writer::queue::{Job, Queue};
use crate::{EngineStatus, SubmitError};

/// Input for the writer.
#[derive(Default)]
pub struct Inbox {
    /// Queued inputs.
    pub queue: Queue,
    /// Result of syncing a group.
    pub synced: Option<Result<(), String>>,
    /// Result of a checkpoint.
    pub checkpointed: Option<Checkpointed>,
    /// Whether the engine is shutting down.
    pub is_closing: bool,
}

/// State shared by the engine's threads and handles.
pub struct EngineState {
    inbox: Mutex<Inbox>,
    changed: Condvar,
    published: Mutex<Snapshot>,
    status: Mutex<EngineStatus>,
    closed: watch::Sender<bool>,
    /// The changes of the followed tables.
    pub changes: Arc<Changes>,
}

impl EngineState {
    /// The state of an engine with this initial snapshot.
    pub fn new(snapshot: Snapshot, followed: &'static [Table]) -> EngineState {
        let changes = Changes::new(followed, snapshot.seq);
        let status = EngineStatus {
            seq: snapshot.seq,
            ..EngineStatus::default()
        };
        EngineState {
            inbox: Mutex::default(),
            changed: Condvar::new(),
            published: Mutex::new(snapshot),
            status: Mutex::new(status),
            closed: watch::Sender::new(false),
            changes,
        }
    }

    /// Changes the inbox and wakes the writer.
    pub fn put<R>(&self, change: impl FnOnce(&mut Inbox) -> R) -> R {
        let result = change(&mut self.inbox());
        self.changed.notify_all();
        result
    }

    /// Changes the queue without waking the writer.
    pub fn queue<R>(&self, change: impl FnOnce(&mut Queue) -> R) -> R {
        change(&mut self.inbox().queue)
    }

    /// Queues an input.
    pub fn submit(&self, job: Job) {
        let refused = self.put(|inbox| {
            if inbox.is_closing {
                return Some((Box::new(job), SubmitError::ShuttingDown));
            }
            let pushed = inbox.queue.push(job, Instant::now());
            pushed.err().map(|job| (job, SubmitError::Overloaded))
        });
        if let Some((job, error)) = refused {
            (job.done)(Err(error));
        }
    }

    /// Waits until `look` returns a result; its error is the longest time to wait before the next
    /// call.
    pub fn wait<R>(&self, mut look: impl FnMut(&mut Inbox) -> Result<R, Duration>) -> R {
        let mut inbox = self.inbox();
        loop {
            match look(&mut inbox) {
                Ok(found) => return found,
                Err(longest) => {
                    let waited = self.changed.wait_timeout(inbox, longest);
                    inbox = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows visible to readers.
    pub fn snapshot(&self) -> Snapshot {
        let published = self.published.lock();
        published.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes the rows up to a step visible to readers.
    pub fn publish_seq(&self, seq: u64) {
        let mut published = self
            .published
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        published.seq = seq;
    }

    /// Replaces the layers that readers use.
    pub fn publish_view(&self, view: &View) {
        let mut published = self
            .published
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        published.view = view.clone();
    }

    /// The engine's status.
    pub fn status(&self) -> EngineStatus {
        let waiting = self.inbox().queue.len();
        let tables_are_damaged = self.snapshot().view.base.is_damaged();
        let status = self.status.lock();
        let mut status = status.unwrap_or_else(PoisonError::into_inner).clone();
        if tables_are_damaged {
            let reason = "the tables are damaged; they will be rebuilt at the next start";
            status.read_only = Some(reason.to_string());
        }
        EngineStatus {
            waiting,
            tables_are_damaged,
            ..status
        }
    }

    /// Changes the engine's status.
    pub fn note(&self, change: impl FnOnce(&mut EngineStatus)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Signals that the last thread has ended.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Returns once the last thread has ended.
    pub async fn closed(self: &Arc<Self>) {
        let mut closed = self.closed.subscribe();
        // The sender lives as long as `self`.
        let _ = closed.wait_for(|it| *it).await;
    }
}
