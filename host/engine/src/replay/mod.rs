//! Replays a data directory: carries its journal out again in a fresh store and compares every
//! digest. Reads the journal only, so that it works beside the running service.

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
    /// The operating system says so.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A snapshot cannot be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A step cannot be carried out again, or differently.
    #[error(transparent)]
    Replay(#[from] ReplayError),
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
    /// Whether the directory's own tables were compared as well: not beside the running service.
    pub tables: bool,
    /// The first difference, if there is one.
    pub difference: Option<Difference>,
}

/// A data directory on its way from the beginning of what is kept to its end.
pub struct DataDirReplay {
    layout: Layout,
    reader: Reader,
    replayer: Replayer,
    /// The replay's own rows, and the folder where they stand.
    rows: ScratchRows,
    scratch: PathBuf,
    kernels: Kernels,
    from: u64,
}

impl DataDirReplay {
    /// Begins with the first entry, or with the newest snapshot from which `begin_ms` can be reached,
    /// in `scratch`, an empty folder.
    ///
    /// # Errors
    /// When there is nothing to begin with.
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

    /// The next entry; it has to be applied before the one behind it.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn next_entry(&mut self) -> Result<Option<Recorded>, ReplayDirError> {
        while let Some(recorded) = self.reader.next_entry()? {
            if recorded.entry.seq > self.from {
                return Ok(Some(recorded));
            }
        }
        Ok(None)
    }

    /// Carries an entry out and compares what comes of it.
    ///
    /// # Errors
    /// When something else comes of it, or when that cannot be found out.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), ReplayDirError> {
        let writes = self.replayer.carry_out(recorded)?;
        self.accept(recorded, writes)
    }

    /// Moves on behind an entry that somebody else has carried out and compared.
    ///
    /// # Errors
    /// When what it wrote cannot be stored.
    pub fn accept(
        &mut self,
        recorded: &Recorded,
        writes: Vec<Write>,
    ) -> Result<(), ReplayDirError> {
        self.rows.apply(writes)?;
        self.replayer.view = self.rows.view();
        Ok(self.replayer.advance(recorded)?)
    }

    /// Writes all rows to the replay's own tables and closes them. Gives how many steps were
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

    /// The kernels that ran.
    #[must_use]
    pub fn kernels(&self) -> Kernels {
        self.kernels.clone()
    }

    /// Every row as of the last entry applied.
    #[must_use]
    pub fn rows(&self) -> &ScratchRows {
        &self.rows
    }

    /// No rows yet, in a file of this name beside the replay's own.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn other_rows(&self, name: &str) -> Result<ScratchRows, TablesError> {
        ScratchRows::create(&self.scratch.join(name))
    }
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
                    what: "the rows are not those of the snapshot".into(),
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
                what: format!("the journal is as recorded up to there, but {error}"),
            }),
        });
    }
    if report.steps == 0 && report.from == 0 && report.difference.is_none() {
        return Err(ReplayDirError::Empty);
    }
    Ok(report)
}

/// The tables of a data directory on which nobody works.
struct OwnTables {
    _lock: File,
    _tables: Tables,
    view: View,
    position: Position,
}

impl OwnTables {
    /// `None` beside the running service.
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

    /// What is wrong with its rows, when the replay is where it stands.
    fn compare(&self, replay: &DataDirReplay) -> io::Result<Option<Difference>> {
        let found = snapshot::digest(&self.view, &self.position)?;
        let expected = snapshot::digest(&replay.replayer.view, replay.position())?;
        Ok((found != expected).then(|| Difference {
            seq: self.position.seq,
            what: "the rows are not those of the tables".into(),
        }))
    }

    /// Whether it knows entries that the journal does not: the bytes of a damaged entry cannot be
    /// told from those of a torn write.
    fn lost_end(&self, end: u64) -> Option<Difference> {
        (self.position.seq > end).then(|| Difference {
            seq: end + 1,
            what: format!(
                "it is damaged or missing: the journal ends before it, the tables reach up to \
                 entry {}",
                self.position.seq
            ),
        })
    }
}

/// Lays a snapshot into the tables, if the journal does not begin with its first entry any more, or
/// if a later beginning is wanted: the newest usable one that is not behind `begin_ms`, else the
/// oldest usable one.
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
