//! Replays a data directory: carries out its journal again in a fresh store and compares every
//! digest. It only reads the journal, so that it works while the service is running.

pub(crate) mod replayer;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use causeway_kernel::boundary::output::Write;

use crate::data_dir::kernels::Kernels;
use crate::data_dir::layout::Layout;
use crate::data_dir::snapshot::{self, SnapshotError, SnapshotReader};
use crate::disk::{Disk, RealDisk};
use crate::journal::{JournalError, Reader, Recorded, segments};
use crate::replay::replayer::{Difference, ReplayError, Replayer};
use crate::runtime::KernelSource;
use crate::store::{Position, ScratchRows, Tables, TablesError, View};

/// Why a journal cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayDirError {
    /// The operating system reported an error.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A snapshot cannot be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A step cannot be replayed, or gives a different result.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The replay's own tables cannot be used.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// There is nothing to replay.
    #[error("there is no journal in it")]
    Empty,
    /// The beginning of the journal was dropped, and no snapshot covers it.
    #[error("the journal begins with entry {0}, and no snapshot covers the entries before it")]
    NoBeginning(u64),
}

/// The result of a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayReport {
    /// The entry after which it began; 0 = the beginning.
    pub from: u64,
    /// Steps replayed.
    pub steps: u64,
    /// The last step, and the end of the chain.
    pub end: Position,
    /// Snapshots whose rows were compared.
    pub snapshots: u64,
    /// Whether the directory's own tables were compared as well: not while the service is running.
    pub tables: bool,
    /// The first difference, if there is one.
    pub difference: Option<Difference>,
}

/// A replay of a data directory, entry by entry.
pub struct DataDirReplay {
    layout: Layout,
    reader: Reader,
    replayer: Replayer,
    /// The replay's own rows, and their folder.
    rows: ScratchRows,
    scratch: PathBuf,
    kernels: Kernels,
    from: u64,
}

impl DataDirReplay {
    /// Starts at the first entry, or at the newest snapshot from which `begin_ms` can be reached,
    /// with its rows in `scratch`, an empty folder.
    ///
    /// # Errors
    /// If there is nothing to start from.
    pub fn open(
        data_dir: &Path,
        scratch: &Path,
        source: Arc<dyn KernelSource>,
        begin_ms: Option<i64>,
    ) -> Result<DataDirReplay, ReplayDirError> {
        let layout = Layout::of(data_dir);
        if !layout.journal().is_dir() {
            return Err(ReplayDirError::Empty);
        }
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let kernels = Kernels::new(layout.kernels(), source);
        let tables = scratch.join("tables.redb");
        DataDirReplay::begin(&disk, layout, (scratch, &tables), &kernels, begin_ms)
    }

    /// The same with the replay's own tables in a file that does not exist yet.
    pub(crate) fn begin(
        disk: &Arc<dyn Disk>,
        layout: Layout,
        (scratch, tables): (&Path, &Path),
        kernels: &Kernels,
        begin_ms: Option<i64>,
    ) -> Result<DataDirReplay, ReplayDirError> {
        let tables = Tables::open(disk.as_ref(), tables)?;
        begin(&layout, &tables, begin_ms)?;
        let position = tables.base()?.1;
        let from = position.seq;
        let rows = ScratchRows::over(tables)?;
        Ok(DataDirReplay {
            reader: Reader::open(Arc::clone(disk), &layout.journal(), from + 1)?,
            replayer: Replayer::new(rows.view(), position, kernels.clone()),
            layout,
            rows,
            scratch: scratch.to_path_buf(),
            kernels: kernels.clone(),
            from,
        })
    }

    /// The next entry; it has to be applied before the one after it is read.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn next_entry(&mut self) -> Result<Option<Recorded>, ReplayDirError> {
        while let Some(recorded) = self.reader.next_entry()? {
            if recorded.entry.seq > self.from {
                return Ok(Some(recorded));
            }
        }
        Ok(None)
    }

    /// Carries out an entry and compares the result.
    ///
    /// # Errors
    /// If the result differs, or cannot be determined.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), ReplayDirError> {
        let writes = self.replayer.carry_out(recorded)?;
        self.accept(recorded, writes)
    }

    /// Advances past an entry that the caller has carried out and compared.
    ///
    /// # Errors
    /// If its writes cannot be stored.
    pub fn accept(
        &mut self,
        recorded: &Recorded,
        writes: Vec<Write>,
    ) -> Result<(), ReplayDirError> {
        self.rows.apply(writes)?;
        self.replayer.view = self.rows.view();
        Ok(self.replayer.advance(recorded)?)
    }

    /// Writes all rows to the replay's own tables and closes them. Returns the number of steps
    /// carried out.
    pub(crate) fn finish(self) -> Result<u64, ReplayDirError> {
        self.rows.finish(&self.replayer.head)?;
        Ok(self.replayer.head.seq - self.from)
    }

    /// The last entry applied.
    #[must_use]
    pub fn position(&self) -> &Position {
        &self.replayer.head
    }

    /// The kernels of the data directory.
    #[must_use]
    pub fn kernels(&self) -> Kernels {
        self.kernels.clone()
    }

    /// Every row as of the last entry applied.
    #[must_use]
    pub fn rows(&self) -> &ScratchRows {
        &self.rows
    }

    /// An empty store in a file with this name, next to the replay's own.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn other_rows(&self, name: &str) -> Result<ScratchRows, TablesError> {
        ScratchRows::create(&self.scratch.join(name))
    }
}

/// Replays the journal of a data directory with its rows in `scratch`, an empty folder.
/// `progress` is called with the number of every entry.
///
/// # Errors
/// If something cannot be read; a difference is a result, not an error.
pub fn replay(
    data_dir: &Path,
    scratch: &Path,
    source: Arc<dyn KernelSource>,
    mut progress: impl FnMut(u64),
) -> Result<ReplayReport, ReplayDirError> {
    let mut replay = DataDirReplay::open(data_dir, scratch, source, None)?;
    let marks = snapshot::snapshots(&replay.layout.snapshots())?;
    let own = OwnTables::open(&replay.layout);
    let mut report = ReplayReport {
        from: replay.from,
        steps: 0,
        end: replay.position().clone(),
        snapshots: 0,
        tables: false,
        difference: None,
    };
    while let Some(recorded) = replay.next_entry()? {
        match replay.apply(&recorded) {
            Ok(()) => {}
            Err(ReplayDirError::Replay(ReplayError::Differs(difference))) => {
                report.difference = Some(difference);
                break;
            }
            Err(error) => return Err(error),
        }
        report.steps += 1;
        progress(recorded.entry.seq);
        if let Some(Ok(own)) = &own
            && own.position.seq == recorded.entry.seq
        {
            report.tables = true;
            report.difference = own.compare(&replay)?;
            if report.difference.is_some() {
                break;
            }
        }
        if let Some((seq, path)) = marks.iter().find(|(seq, _)| *seq == recorded.entry.seq) {
            report.snapshots += 1;
            let rows = snapshot::digest(&replay.replayer.view, replay.position())?;
            if rows != snapshot::trailer(path)? {
                report.difference = Some(Difference {
                    seq: *seq,
                    what: "the rows differ from those of the snapshot".into(),
                });
                break;
            }
        }
    }
    report.end = replay.position().clone();
    if report.difference.is_none() {
        report.difference = own.and_then(|own| match own {
            Ok(own) => own.lost_end(report.end.seq),
            Err(error) => Some(Difference {
                seq: report.end.seq,
                what: format!("up to there the journal is as recorded, but {error}"),
            }),
        });
    }
    if report.steps == 0 && report.from == 0 && report.difference.is_none() {
        return Err(ReplayDirError::Empty);
    }
    Ok(report)
}

/// The tables of a data directory that is not in use.
struct OwnTables {
    _lock: File,
    _tables: Tables,
    view: View,
    position: Position,
}

impl OwnTables {
    /// `None` while the service is running.
    fn open(layout: &Layout) -> Option<Result<OwnTables, TablesError>> {
        let lock = layout.lock().ok()?;
        let path = layout.tables();
        if !path.exists() {
            return None;
        }
        let tables = Tables::open_checked(&RealDisk, &path);
        Some(tables.and_then(|tables| {
            let (base, position) = tables.base()?;
            let view = View::of(base);
            Ok(OwnTables {
                _lock: lock,
                _tables: tables,
                view,
                position,
            })
        }))
    }

    /// Compares the rows, once the replay has reached the same entry.
    fn compare(&self, replay: &DataDirReplay) -> io::Result<Option<Difference>> {
        let found = snapshot::digest(&self.view, &self.position)?;
        let expected = snapshot::digest(&replay.replayer.view, replay.position())?;
        Ok((found != expected).then(|| Difference {
            seq: self.position.seq,
            what: "the rows differ from those of the tables".into(),
        }))
    }

    /// Whether the tables reflect entries that the journal does not have: a damaged entry at its end
    /// cannot be distinguished from a torn write.
    fn lost_end(&self, end: u64) -> Option<Difference> {
        (self.position.seq > end).then(|| Difference {
            seq: end + 1,
            what: format!(
                "it is damaged or missing: the journal ends before it, but the tables reach up to \
                 entry {}",
                self.position.seq
            ),
        })
    }
}

/// Loads a snapshot into the tables if the beginning of the journal was dropped or a later start is
/// wanted: the newest usable snapshot before `begin_ms`, else the oldest usable one.
fn begin(layout: &Layout, tables: &Tables, begin_ms: Option<i64>) -> Result<(), ReplayDirError> {
    let first = segments(&layout.journal())?
        .first()
        .map(|segment| segment.first_seq);
    let Some(first) = first else {
        return Err(ReplayDirError::Empty);
    };
    let mut usable = snapshot::snapshots(&layout.snapshots())?;
    usable.retain(|(seq, _)| seq + 1 >= first);
    let mut chosen = usable.first().filter(|_| first > 1);
    for snapshot in &usable {
        let time_ms = SnapshotReader::open(&snapshot.1)?.position().time_ms;
        if begin_ms.is_some_and(|begin_ms| time_ms < begin_ms) {
            chosen = Some(snapshot);
        }
    }
    let Some((_, path)) = chosen else {
        return if first > 1 {
            Err(ReplayDirError::NoBeginning(first))
        } else {
            Ok(())
        };
    };
    let reader = SnapshotReader::open(path)?;
    let position = reader.position().clone();
    tables.fill(&position, reader)?;
    Ok(())
}
