//! Retention: when the journal exceeds its limits, a snapshot is made and the oldest segments that
//! it covers are dropped.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::data_dir::alarm::Alarm;
use crate::data_dir::hold::Hold;
use crate::data_dir::layout::Layout;
use crate::data_dir::snapshot;
use crate::disk::{Disk, RealDisk};
use crate::journal::{JournalError, Reader, SEGMENT_BYTES, SegmentInfo, SegmentJournal, segments};
use crate::store::{Base, MemoryTable, Position, View};
use crate::writer::inbox::EngineState;

/// How much of the journal is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Bytes of closed segments that are kept at least; anything older is dropped as soon as a
    /// snapshot covers it.
    pub journal_bytes: u64,
    /// Age in ms above which entries are dropped although there is room; `None` = no limit.
    pub journal_age_ms: Option<i64>,
    /// Bytes after which a segment is closed.
    pub segment_bytes: u64,
}

/// A segment is closed after the maximum age divided by this: entries outlive the maximum by at most
/// that.
const SEGMENTS_OF_AGE: i64 = 8;

impl Default for Retention {
    fn default() -> Retention {
        Retention {
            journal_bytes: 4 << 30,
            journal_age_ms: None,
            segment_bytes: SEGMENT_BYTES,
        }
    }
}

impl Retention {
    /// The maximum time for which a segment is written to.
    pub(crate) fn segment_age(self) -> Option<Duration> {
        let ms = self.journal_age_ms? / SEGMENTS_OF_AGE;
        Some(Duration::from_millis(ms.max(0).cast_unsigned()))
    }

    /// Applies the retention to the journal of a data directory.
    pub(crate) fn keeper(self, layout: Layout, shared: Arc<EngineState>) -> Keeper {
        Keeper {
            retention: self,
            layout,
            shared,
            is_at_work: Arc::default(),
            alarm: Mutex::default(),
        }
    }
}

/// Applies the retention to the journal.
pub(crate) struct Keeper {
    retention: Retention,
    layout: Layout,
    shared: Arc<EngineState>,
    is_at_work: Arc<AtomicBool>,
    alarm: Mutex<Alarm>,
}

impl Keeper {
    /// Called after every checkpoint. A snapshot is made on its own thread, from the rows of that
    /// checkpoint, while later checkpoints proceed.
    pub(crate) fn look(&self, base: &Arc<Base>, position: &Position) {
        self.hold_if_asked(position.time_ms);
        let surplus = self.is_surplus(position.time_ms);
        if !matches!(surplus, Ok(true)) || self.is_at_work.swap(true, Ordering::AcqRel) {
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
                    Err(error) => tracing::warn!(%error, "cannot create a snapshot"),
                }
                is_at_work.store(false, Ordering::Release);
            });
        if let Err(error) = spawned {
            tracing::warn!(%error, "cannot start the snapshot thread");
            self.is_at_work.store(false, Ordering::Release);
        }
    }

    /// Preserves the journal of an incident for its investigation.
    fn hold_if_asked(&self, now_ms: i64) {
        let status = self.shared.status();
        let mut alarm = self.alarm.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(hold) = alarm.hold(&status, self.retention.journal_bytes, now_ms) else {
            return;
        };
        tracing::warn!(reason = %hold, "the journal is on hold for a week");
        if let Err(error) = hold.set(self.layout.root()) {
            tracing::warn!(%error, "cannot put a hold on the journal");
        }
    }

    /// Whether closed segments may be dropped now.
    fn is_surplus(&self, now_ms: i64) -> Result<bool, JournalError> {
        let all = segments(&self.layout.journal())?;
        let closed = all.len().saturating_sub(1);
        let mut bytes = 0;
        for segment in all.iter().take(closed) {
            bytes += fs::metadata(&segment.path)?.len();
        }
        let too_many = bytes > self.retention.journal_bytes;
        let is_surplus = too_many || is_too_old(self.retention, &self.layout, &all, now_ms)?;
        if !is_surplus {
            return Ok(false);
        }
        let hold = Hold::read(self.layout.root())?;
        Ok(!hold.is_some_and(|hold| hold.is_in_force(now_ms, bytes)))
    }
}

/// Whether all entries of the oldest segment exceed the maximum age.
fn is_too_old(
    retention: Retention,
    layout: &Layout,
    segments: &[SegmentInfo],
    now_ms: i64,
) -> Result<bool, JournalError> {
    let (Some(age_ms), Some(next)) = (retention.journal_age_ms, segments.get(1)) else {
        return Ok(false);
    };
    let begins_ms = first_ms(layout, next)?;
    Ok(begins_ms.is_some_and(|begins_ms| begins_ms < now_ms.saturating_sub(age_ms)))
}

/// Closes the segment that would be continued after a start, if its first entry has reached the
/// maximum age of a segment.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn close_old_segment(
    retention: Retention,
    layout: &Layout,
    journal: &mut SegmentJournal,
    now_ms: i64,
) -> Result<(), JournalError> {
    let (Some(age_ms), Some(last)) = (retention.journal_age_ms, segments(&layout.journal())?.pop())
    else {
        return Ok(());
    };
    let oldest_ms = now_ms.saturating_sub(age_ms / SEGMENTS_OF_AGE);
    if first_ms(layout, &last)?.is_some_and(|first_ms| first_ms < oldest_ms) {
        journal.close_segment();
    }
    Ok(())
}

/// The time of a segment's first entry.
fn first_ms(layout: &Layout, segment: &SegmentInfo) -> Result<Option<i64>, JournalError> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let mut reader = Reader::open(disk, &layout.journal(), segment.first_seq)?;
    let first = reader.next_entry()?;
    Ok(first.map(|recorded| recorded.entry.time_ms))
}

/// Makes a snapshot and drops the surplus segments that it covers; then the snapshots that no replay
/// can start from any more. Returns the number of segments dropped.
fn snapshot_and_drop(
    layout: &Layout,
    retention: Retention,
    view: &View,
    position: &Position,
) -> io::Result<u64> {
    snapshot::write(&layout.snapshots(), view, position)?;
    let mut dropped = 0;
    loop {
        let all = segments(&layout.journal())?;
        let [oldest, next, ..] = all.as_slice() else {
            break;
        };
        let mut bytes = 0;
        for segment in all.iter().rev().skip(1) {
            bytes += fs::metadata(&segment.path)?.len();
        }
        let is_covered = next.first_seq <= position.seq + 1;
        let is_surplus = bytes > retention.journal_bytes
            || is_too_old(retention, layout, &all, position.time_ms).map_err(io::Error::other)?;
        if !is_covered || !is_surplus {
            break;
        }
        fs::remove_file(&oldest.path)?;
        dropped += 1;
    }
    drop_old_snapshots(layout)?;
    Ok(dropped)
}

/// Keeps the newest snapshot, and the oldest one that the journal continues without a gap.
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
