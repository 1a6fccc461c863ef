//! The status of an engine, for metrics and admins.

use std::time::Duration;

use crate::journal::Group;

/// The status of an engine. Counters start at zero when the engine is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineStatus {
    /// Why nothing can be written, if that is the case.
    pub read_only: Option<String>,
    /// Whether the tables turned out to be damaged. Nothing can be read or written until the
    /// workspace is reopened.
    pub tables_are_damaged: bool,
    /// Queued inputs.
    pub waiting: usize,
    /// Number of the last durable step of the workspace.
    pub seq: u64,
    /// Steps made durable.
    pub steps: u64,
    /// Steps that were stopped.
    pub stopped_steps: u64,
    /// Peer items refused for a reason that indicates a problem.
    pub refused_items: u64,
    /// Groups of steps made durable, each by one sync.
    pub groups: u64,
    /// Bytes written to the journal.
    pub journal_bytes: u64,
    /// Time spent in those writes and syncs, in µs.
    pub sync_us: u64,
    /// Rows in memory that are not in the tables yet.
    pub rows_in_memory: usize,
    /// Checkpoints of the tables.
    pub checkpoints: u64,
    /// Time spent in them, in µs.
    pub checkpoint_us: u64,
    /// Snapshots made.
    pub snapshots: u64,
    /// Journal segments dropped because a snapshot covers them.
    pub dropped_segments: u64,
}

impl EngineStatus {
    /// Counts a group that became durable.
    pub(crate) fn note_sync(&mut self, group: &Group, took: Duration) {
        self.seq = group.first_seq + group.count - 1;
        self.steps += group.count;
        self.groups += 1;
        self.journal_bytes += group.records.len() as u64;
        self.sync_us += u64::try_from(took.as_micros()).unwrap_or(0);
    }
}
