//! How much of the journal is kept: when there is more, a snapshot is made and the oldest segments
//! that it covers go.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::journal::{SEGMENT_BYTES, segments};
use crate::layout::Layout;
use crate::snapshot;
use crate::store::{Base, MemoryTable, Position, View};
use crate::writer::inbox::Shared;

/// How much of the journal is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Bytes of closed segments that are kept at least; what is older goes as soon as a snapshot
    /// covers it.
    pub journal_bytes: u64,
    /// Bytes after which a segment is closed.
    pub segment_bytes: u64,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention {
            journal_bytes: 4 << 30,
            segment_bytes: SEGMENT_BYTES,
        }
    }
}

impl Retention {
    /// Looks after the journal of a data directory.
    pub(crate) fn keeper(self, layout: Layout, shared: Arc<Shared>) -> Keeper {
        Keeper {
            retention: self,
            layout,
            shared,
            is_at_work: Arc::default(),
        }
    }
}

/// Looks after the journal.
pub(crate) struct Keeper {
    retention: Retention,
    layout: Layout,
    shared: Arc<Shared>,
    is_at_work: Arc<AtomicBool>,
}

impl Keeper {
    /// Called after every checkpoint. A snapshot is made on a thread of its own, from the rows of
    /// the checkpoint, while others follow.
    pub(crate) fn look(&self, base: &Arc<Base>, position: &Position) {
        let closed = self.closed_bytes();
        let Ok(closed) = closed else { return };
        if closed <= self.retention.journal_bytes || self.is_at_work.swap(true, Ordering::AcqRel) {
            return;
        }
        let view = View {
            fresh: Arc::new(MemoryTable::default()),
            frozen: None,
            base: Arc::clone(base),
        };
        let (layout, retention, position) = (self.layout.clone(), self.retention, position.clone());
        let (shared, is_at_work) = (Arc::clone(&self.shared), Arc::clone(&self.is_at_work));
        let spawned = thread::Builder::new()
            .name("snapshot".into())
            .spawn(move || {
                match snapshot_and_drop(&layout, retention, &view, &position) {
                    Ok(dropped) => shared.note(|status| {
                        status.snapshots += 1;
                        status.dropped_segments += dropped;
                    }),
                    Err(error) => tracing::warn!(%error, "no snapshot could be made"),
                }
                is_at_work.store(false, Ordering::Release);
            });
        if let Err(error) = spawned {
            tracing::warn!(%error, "no thread for a snapshot");
            self.is_at_work.store(false, Ordering::Release);
        }
    }

    fn closed_bytes(&self) -> io::Result<u64> {
        let mut all = segments(&self.layout.journal())?;
        all.pop();
        all.iter()
            .map(|segment| Ok(fs::metadata(&segment.path)?.len()))
            .sum()
    }
}

/// Makes a snapshot and drops the segments that are surplus and covered by it; then the snapshots
/// that no replay can begin with any more. Gives how many segments went.
fn snapshot_and_drop(
    layout: &Layout,
    retention: Retention,
    view: &View,
    position: &Position,
) -> io::Result<u64> {
    snapshot::write(&layout.snapshots(), view, position)?;
    let all = segments(&layout.journal())?;
    let mut sizes = Vec::new();
    for segment in &all {
        sizes.push(fs::metadata(&segment.path)?.len());
    }
    let mut surplus = sizes
        .iter()
        .sum::<u64>()
        .saturating_sub(retention.journal_bytes);
    let mut dropped = 0;
    for (pair, size) in all.windows(2).zip(sizes) {
        let [segment, next] = pair else { break };
        let is_covered = next.first_seq <= position.seq + 1;
        if surplus == 0 || !is_covered {
            break;
        }
        fs::remove_file(&segment.path)?;
        surplus = surplus.saturating_sub(size);
        dropped += 1;
    }
    drop_old_snapshots(layout)?;
    Ok(dropped)
}

/// Keeps the newest snapshot, and the oldest from which the journal goes on without a gap.
fn drop_old_snapshots(layout: &Layout) -> io::Result<()> {
    let first_seq = segments(&layout.journal())?
        .first()
        .map_or(1, |segment| segment.first_seq);
    let all = snapshot::snapshots(&layout.snapshots())?;
    let newest = all.last().map(|(seq, _)| *seq);
    let oldest = all
        .iter()
        .map(|(seq, _)| *seq)
        .find(|seq| seq + 1 >= first_seq);
    for (seq, path) in all {
        if Some(seq) != newest && Some(seq) != oldest {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
