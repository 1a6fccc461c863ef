//! The thread that writes frozen rows to the tables.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::inbox::EngineState;
use crate::disk::Disk;
use crate::store::{Base, MemoryTable, Position, Tables, TablesError};

/// Rows to be written, and their position. All of their steps are durable in the journal.
pub struct Checkpoint {
    /// The rows.
    pub rows: Arc<MemoryTable>,
    /// Their position.
    pub position: Position,
}

/// How a checkpoint ended.
pub enum Checkpointed {
    /// The rows are in these tables.
    Written(Arc<Base>),
    /// The rows could not be written. The tables were reopened, unless that failed or they are
    /// damaged: the previously opened ones may no longer be usable.
    Failed(TablesError, Option<Arc<Base>>),
}

/// Writes checkpoints.
pub struct Checkpointer {
    /// The disk with the tables.
    pub disk: Arc<dyn Disk>,
    /// Their file.
    pub path: PathBuf,
    /// `None` after an error.
    pub tables: Option<Tables>,
}

impl Checkpointer {
    /// Runs until the writer ends; calls `written` after every checkpoint.
    pub fn run(
        mut self,
        checkpoints: &Receiver<Checkpoint>,
        shared: &Arc<EngineState>,
        written: impl Fn(&Arc<Base>, &Position),
    ) {
        let mut is_failing = false;
        while let Ok(checkpoint) = checkpoints.recv() {
            let begun = Instant::now();
            let ended = match self.write(&checkpoint) {
                Ok(base) => {
                    if std::mem::take(&mut is_failing) {
                        tracing::info!("checkpoints can be written again");
                    }
                    written(&base, &checkpoint.position);
                    note(shared, begun.elapsed());
                    Checkpointed::Written(base)
                }
                Err(error) => {
                    // It is retried every second: one line for the first failure is enough.
                    if !std::mem::replace(&mut is_failing, true) {
                        tracing::error!(
                            %error,
                            "cannot write a checkpoint: the workspace is read-only until it succeeds"
                        );
                    }
                    self.tables = None;
                    let base = if error.is_damage() {
                        None
                    } else {
                        self.reopen()
                    };
                    Checkpointed::Failed(error, base)
                }
            };
            shared.put(|inbox| inbox.checkpointed = Some(ended));
        }
    }

    fn write(&mut self, checkpoint: &Checkpoint) -> Result<Arc<Base>, TablesError> {
        let tables = match self.tables.take() {
            Some(tables) => tables,
            None => Tables::open(self.disk.as_ref(), &self.path)?,
        };
        let tables = self.tables.insert(tables);
        tables.checkpoint(&checkpoint.rows, &checkpoint.position)?;
        Ok(tables.base()?.0)
    }

    fn reopen(&mut self) -> Option<Arc<Base>> {
        let tables = Tables::open(self.disk.as_ref(), &self.path).ok()?;
        let base = tables.base().ok()?.0;
        self.tables = Some(tables);
        Some(base)
    }
}

fn note(shared: &EngineState, took: Duration) {
    shared.note(|status| {
        status.checkpoints += 1;
        status.checkpoint_us += u64::try_from(took.as_micros()).unwrap_or(0);
    });
}
