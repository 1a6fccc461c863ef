//! Which rows of chosen tables changed, for readers that keep something derived from them.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use causeway_kernel::boundary::output::Write;
use causeway_kernel::rows::table::Table;

/// Maximum keys that are kept for a follower; beyond it the follower is told that it lost some.
const KEYS_MAX: usize = 200_000;

/// A row that changed: its table and key.
pub type Changed = (Table, Vec<u8>);

/// What changed since the follower last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The rows, each once.
    pub rows: BTreeSet<Changed>,
    /// The last durable step.
    pub seq: u64,
    /// Whether there were more than are kept, so that any row may have changed.
    pub is_incomplete: bool,
}

#[derive(Default)]
struct State {
    batch: Batch,
    is_woken: bool,
}

/// The durable changes of some tables, for one follower. A change is here only once a snapshot shows it.
pub struct Changes {
    tables: &'static [Table],
    start: u64,
    state: Mutex<State>,
    changed: Condvar,
}

impl Changes {
    /// The changes after a step.
    pub(crate) fn new(tables: &'static [Table], seq: u64) -> Arc<Changes> {
        let batch = Batch {
            seq,
            ..Batch::default()
        };
        Arc::new(Changes {
            tables,
            start: seq,
            state: Mutex::new(State {
                batch,
                is_woken: false,
            }),
            changed: Condvar::new(),
        })
    }

    /// The step after which changes are noted.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.start
    }

    /// The changes among the writes of a step.
    pub(crate) fn among(&self, writes: &[Write]) -> Vec<Changed> {
        let followed = writes.iter().filter(|it| self.tables.contains(&it.table));
        followed.map(|it| (it.table, it.key.clone())).collect()
    }

    /// Adds the changes of steps up to `seq`, which are visible to readers.
    pub(crate) fn add(&self, rows: impl Iterator<Item = Changed>, seq: u64) {
        if self.tables.is_empty() {
            return;
        }
        let mut state = self.lock();
        let batch = &mut state.batch;
        batch.seq = seq;
        if !batch.is_incomplete {
            batch.rows.extend(rows);
        }
        if batch.rows.len() > KEYS_MAX {
            batch.rows.clear();
            batch.is_incomplete = true;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until `is_ready` says so, [`Changes::wake`] is called, or the time it returns is over.
    pub fn wait(&self, is_ready: impl Fn(&Batch) -> Result<(), Duration>) {
        let mut state = self.lock();
        while !std::mem::take(&mut state.is_woken)
            && let Err(longest) = is_ready(&state.batch)
        {
            let (next, waited) = self
                .changed
                .wait_timeout(state, longest)
                .unwrap_or_else(PoisonError::into_inner);
            state = next;
            if waited.timed_out() {
                return;
            }
        }
    }

    /// Wakes the follower.
    pub fn wake(&self) {
        self.lock().is_woken = true;
        self.changed.notify_all();
    }

    /// Takes what changed.
    #[must_use]
    pub fn take(&self) -> Batch {
        let batch = &mut self.lock().batch;
        let seq = batch.seq;
        let next = Batch {
            seq,
            ..Batch::default()
        };
        std::mem::replace(batch, next)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every critical section leaves the state consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(table: Table, key: u32) -> Write {
        Write {
            table,
            key: key.to_be_bytes().to_vec(),
            value: None,
        }
    }

    #[test]
    fn only_followed_tables_are_noted_and_each_row_once() {
        let changes = Changes::new(&[Table::Posts], 4);
        let writes = [
            write(Table::Posts, 1),
            write(Table::Users, 2),
            write(Table::Posts, 1),
        ];
        changes.add(changes.among(&writes).into_iter(), 5);
        let batch = changes.take();
        assert_eq!((batch.rows.len(), batch.seq), (1, 5));
        assert_eq!((changes.take().rows.len(), changes.start()), (0, 4));
    }

    #[test]
    fn more_rows_than_are_kept_are_told_as_lost() {
        let changes = Changes::new(&[Table::Posts], 0);
        let many = (0..=u32::try_from(KEYS_MAX).unwrap()).map(|key| write(Table::Posts, key));
        let many: Vec<Write> = many.collect();
        changes.add(changes.among(&many).into_iter(), 1);
        let batch = changes.take();
        assert!(batch.is_incomplete && batch.rows.is_empty());
        assert!(!changes.take().is_incomplete);
    }
}
