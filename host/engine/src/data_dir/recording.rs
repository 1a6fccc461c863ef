//! How far back the recording of a workspace reaches, and what it costs.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::data_dir::hold::Hold;
use crate::data_dir::layout::Layout;
use crate::data_dir::snapshot::snapshots;
use crate::disk::{Disk, RealDisk};
use crate::journal::{JournalError, Reader, segments};

/// How often the status is read again if the journal changes meanwhile.
const LOOKS: usize = 5;

/// The recording of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RecordingStatus {
    /// Number of the oldest entry.
    pub first_seq: u64,
    /// Number of the newest entry; 0 = there is none.
    pub last_seq: u64,
    /// Time of the oldest entry, in ms.
    pub first_ms: i64,
    /// Time of the newest entry, in ms.
    pub last_ms: i64,
    /// Number of journal segments.
    pub segments: usize,
    /// Their size on disk, in bytes.
    pub journal_bytes: u64,
    /// The entries for which there are snapshots.
    pub snapshots: Vec<u64>,
    /// Their size on disk, in bytes.
    pub snapshot_bytes: u64,
    /// The first entry that can be replayed.
    pub replayable_from: u64,
    /// Number of kernels kept.
    pub kernels: usize,
    /// The present hold, if any.
    pub hold: Option<Hold>,
}

impl RecordingStatus {
    /// The status of a data directory; works while the service is running.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of(data_dir: &Path) -> Result<RecordingStatus, JournalError> {
        let mut found = RecordingStatus::look(data_dir);
        for _ in 0..LOOKS {
            // A segment or a snapshot was deleted while it was being read.
            let has_gone = match &found {
                Err(JournalError::Dropped(_)) => true,
                Err(JournalError::Io(error)) => error.kind() == io::ErrorKind::NotFound,
                _ => false,
            };
            if !has_gone {
                break;
            }
            found = RecordingStatus::look(data_dir);
        }
        found
    }

    fn look(data_dir: &Path) -> Result<RecordingStatus, JournalError> {
        let layout = Layout::of(data_dir);
        let all = segments(&layout.journal())?;
        let snapshots = snapshots(&layout.snapshots())?;
        let mut status = RecordingStatus {
            segments: all.len(),
            snapshots: snapshots.iter().map(|(seq, _)| *seq).collect(),
            kernels: fs::read_dir(layout.kernels()).map_or(0, Iterator::count),
            hold: Hold::read(data_dir)?,
            ..RecordingStatus::default()
        };
        for segment in &all {
            status.journal_bytes += length(&segment.path)?;
        }
        for (_, path) in &snapshots {
            status.snapshot_bytes += length(path)?;
        }
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        if let Some(first) = all.first() {
            let mut reader = Reader::open(Arc::clone(&disk), &layout.journal(), first.first_seq)?;
            if let Some(recorded) = reader.next_entry()? {
                status.first_seq = recorded.entry.seq;
                status.first_ms = recorded.entry.time_ms;
            }
        }
        if let Some(last) = all.last() {
            let mut reader = Reader::open(disk, &layout.journal(), last.first_seq)?;
            while let Some(recorded) = reader.next_entry()? {
                status.last_seq = recorded.entry.seq;
                status.last_ms = recorded.entry.time_ms;
            }
        }
        status.replayable_from = match status.first_seq {
            0 | 1 => 1,
            first => {
                let usable = status.snapshots.iter().find(|seq| **seq + 1 >= first);
                usable.map_or(0, |seq| seq + 1)
            }
        };
        Ok(status)
    }
}

fn length(path: &Path) -> io::Result<u64> {
    Ok(fs::metadata(path)?.len())
}
