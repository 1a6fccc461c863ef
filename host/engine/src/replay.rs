//! Replays a data directory: carries its journal out again in a fresh store and compares every
//! digest. Reads the journal only, so that it works beside the running service.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::disk::{Disk, RealDisk};
use crate::journal::{JournalError, Reader, segments};
use crate::kernels::Kernels;
use crate::layout::Layout;
use crate::replayer::{Difference, ReplayError, Replayer};
use crate::runtime::KernelSource;
use crate::snapshot::{self, SnapshotError, SnapshotReader};
use crate::store::{Position, Tables, TablesError, View};

/// Rows in memory at which they are written to the replay's own tables.
const FLUSH_ROWS: usize = 50_000;

/// Why a journal cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayDirError {
    /// The operating system says so.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A snapshot cannot be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A step cannot be carried out again.
    #[error(transparent)]
    Replay(ReplayError),
    /// The replay's own tables.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// There is nothing to replay.
    #[error("there is no journal in it")]
    Empty,
    /// The first segment is not the first one, and no snapshot covers what went before.
    #[error("the journal begins with entry {0}, and no snapshot leads up to it")]
    NoBeginning(u64),
}

/// What a replay came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayReport {
    /// The entry behind which it began; 0 = the beginning.
    pub from: u64,
    /// Steps carried out again.
    pub steps: u64,
    /// The last step, and how the chain ends.
    pub end: Position,
    /// Snapshots on the way whose rows were compared.
    pub snapshots: u64,
    /// The first difference, if there is one.
    pub difference: Option<Difference>,
}

/// Replays the journal of a data directory with its rows in `scratch`, an empty folder.
/// `progress` hears the number of every entry.
///
/// # Errors
/// When something cannot be read; a difference is a result.
pub fn replay(
    data_dir: &Path,
    scratch: &Path,
    source: Arc<dyn KernelSource>,
    mut progress: impl FnMut(u64),
) -> Result<ReplayReport, ReplayDirError> {
    let layout = Layout::of(data_dir);
    if !layout.journal().is_dir() {
        return Err(ReplayDirError::Empty);
    }
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let tables = Tables::open(disk.as_ref(), &scratch.join("tables.redb"))?;
    begin(&layout, &tables)?;
    let (base, position) = tables.base()?;
    let from = position.seq;
    let view = View {
        fresh: Arc::default(),
        frozen: None,
        base,
    };
    let kernels = Kernels::new(layout.kernels(), source);
    let mut replayer = Replayer::new(view, position, kernels);
    let marks = snapshot::snapshots(&layout.snapshots())?;
    let mut report = ReplayReport {
        from,
        steps: 0,
        end: replayer.head.clone(),
        snapshots: 0,
        difference: None,
    };
    let mut reader = Reader::open(disk, &layout.journal(), from + 1)?;
    while let Some(recorded) = reader.next_entry()? {
        if recorded.entry.seq <= from {
            continue;
        }
        match replayer.apply(&recorded) {
            Ok(()) => {}
            Err(ReplayError::Differs(difference)) => {
                report.difference = Some(difference);
                break;
            }
            Err(error) => return Err(ReplayDirError::Replay(error)),
        }
        report.steps += 1;
        progress(recorded.entry.seq);
        if let Some((seq, path)) = marks.iter().find(|(seq, _)| *seq == recorded.entry.seq) {
            report.snapshots += 1;
            if snapshot::digest(&replayer.view, &replayer.head)? != snapshot::trailer(path)? {
                report.difference = Some(Difference {
                    seq: *seq,
                    what: "the rows are not those of the snapshot".into(),
                });
                break;
            }
        }
        if replayer.view.fresh.len() >= FLUSH_ROWS {
            tables.checkpoint(&replayer.view.fresh, &replayer.head)?;
            replayer.view.base = tables.base()?.0;
            replayer.view.fresh = Arc::default();
        }
    }
    report.end = replayer.head;
    if report.difference.is_none() {
        report.difference = lost_end(&layout, report.end.seq);
    }
    if report.steps == 0 && report.from == 0 && report.difference.is_none() {
        return Err(ReplayDirError::Empty);
    }
    Ok(report)
}

/// Whether the tables know entries that the journal does not, if nobody works on them: the bytes
/// of a damaged entry cannot be told from those of a torn write.
fn lost_end(layout: &Layout, end: u64) -> Option<Difference> {
    let _lock = layout.lock().ok()?;
    let tables = Tables::look(&RealDisk, &layout.tables())?;
    (tables.seq > end).then(|| Difference {
        seq: end + 1,
        what: format!(
            "it is damaged or missing: the journal ends before it, the tables reach up to entry {}",
            tables.seq
        ),
    })
}

/// Lays the oldest usable snapshot into the tables, if the journal does not begin with its first
/// entry any more.
fn begin(layout: &Layout, tables: &Tables) -> Result<(), ReplayDirError> {
    let first = segments(&layout.journal())?
        .first()
        .map(|segment| segment.first_seq);
    let Some(first) = first else {
        return Err(ReplayDirError::Empty);
    };
    if first == 1 {
        return Ok(());
    }
    let usable = snapshot::snapshots(&layout.snapshots())?
        .into_iter()
        .find(|(seq, _)| seq + 1 >= first);
    let Some((_, path)) = usable else {
        return Err(ReplayDirError::NoBeginning(first));
    };
    let reader = SnapshotReader::open(&path)?;
    let position = reader.position().clone();
    tables.fill(&position, reader)?;
    Ok(())
}
