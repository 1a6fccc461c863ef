//! A workspace built from the engine's own parts, on one thread.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use causeway_engine::Position;
use causeway_engine::disk::Disk;
use causeway_engine::journal::{Digest, Group, InputKind, Journal as _, SegmentJournal};
use causeway_engine::policy::PolicyChain;
use causeway_engine::runtime::{KernelRunner, NativeSource, StepEnd, StopKind};
use causeway_engine::testing::{
    CarriedOut, Layout, MemoryTable, Stamp, Tables, View, carry_out, record, recover,
};
use causeway_engine::{Kernels, MemoryRows, OpenError, TablesError};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::StepContext;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::policy::{Gates, Question, Verdict};
use causeway_kernel::rows::table::Table;

use super::disk::FaultDisk;

/// A step to be executed.
#[derive(Clone, Debug)]
pub struct Given {
    /// Its time and seed.
    pub context: StepContext,
    /// Its input.
    pub input: Vec<u8>,
    /// The policies' verdicts, in the order of its questions.
    pub verdicts: Vec<Verdict>,
    /// Whether the kernel is stopped in this step.
    pub is_stopped: bool,
}

/// An executed group.
#[derive(Debug, Default)]
pub struct Carried {
    /// The position after each step, and how the step ended.
    pub steps: Vec<(Position, StepEnd)>,
    /// Whether the disk took it; otherwise it is undone.
    pub is_durable: bool,
}

/// An open workspace.
pub struct Workspace {
    disk: FaultDisk,
    layout: Layout,
    head: Position,
    view: View,
    tables: Option<Tables>,
    journal: SegmentJournal,
    kernel: Box<dyn KernelRunner>,
}

impl Workspace {
    /// Opens the contents of a folder. Segments are closed after so many bytes.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(disk: &FaultDisk, folder: &Path, segment_bytes: u64) -> Result<Workspace, String> {
        Workspace::recovered(disk, folder, segment_bytes).map_err(|error| error.to_string())?
    }

    /// The same as the service does it: tables that are found damaged are made again from the journal.
    ///
    /// # Errors
    /// If it cannot be opened then either.
    pub fn open_or_rebuild(
        disk: &FaultDisk,
        folder: &Path,
        segment_bytes: u64,
    ) -> Result<Workspace, String> {
        match Workspace::recovered(disk, folder, segment_bytes) {
            Err(error) if error.is_damage() => {
                let tables = disk.open_or_create(&Layout::of(folder).tables());
                let emptied = tables.and_then(|tables| tables.set_len(0));
                emptied.map_err(|error| error.to_string())?;
                Workspace::open(disk, folder, segment_bytes)
            }
            Err(error) => Err(error.to_string()),
            Ok(opened) => opened,
        }
    }

    /// The outer error is that of the data directory, the inner one that of the kernel.
    fn recovered(
        disk: &FaultDisk,
        folder: &Path,
        segment_bytes: u64,
    ) -> Result<Result<Workspace, String>, OpenError> {
        let layout = Layout::of(folder);
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let kernels = Kernels::new(layout.kernels(), Arc::new(NativeSource));
        let opened = recover(&shared, &layout, &kernels)?;
        let made = kernels.today().map_err(|error| error.to_string());
        Ok(made.map(|kernel| {
            let mut head = opened.replayer.head;
            head.kernel = Digest(kernel.digest());
            Workspace {
                disk: disk.clone(),
                layout,
                head,
                view: opened.replayer.view,
                tables: Some(opened.tables),
                journal: opened.journal.with_segment_bytes(segment_bytes),
                kernel,
            }
        }))
    }

    /// The position after the last step.
    #[must_use]
    pub fn head(&self) -> &Position {
        &self.head
    }

    /// Whether its disk has power and its tables are open: after a fault they may fail to open again.
    #[must_use]
    pub fn can_work(&self) -> bool {
        self.disk.is_on() && self.tables.is_some()
    }

    /// Every row.
    ///
    /// # Errors
    /// If the tables cannot be read, or differ from what was written.
    pub fn rows(&self) -> Result<MemoryRows, String> {
        let mut rows = MemoryRows::default();
        for table in Table::ALL {
            let each = |key: &[u8], value: &[u8]| {
                rows.put(*table, key, Some(value));
                Ok(())
            };
            let read = self.view.all_rows::<TablesError>(u64::MAX, *table, each);
            read.map_err(|error| error.to_string())?;
        }
        Ok(rows)
    }

    /// Executes steps and makes them durable as one group.
    ///
    /// # Errors
    /// If a step cannot be executed.
    pub fn append(&mut self, given: &[Given]) -> Result<Carried, String> {
        let durable = self.head.clone();
        let mut carried = Carried::default();
        let mut group = Group {
            first_seq: durable.seq + 1,
            count: given.len() as u64,
            last: durable.digest,
            records: Vec::new(),
        };
        for given in given {
            let end = self.step(given, durable.seq, &mut group.records)?;
            carried.steps.push((self.head.clone(), end));
        }
        group.last = self.head.digest;
        carried.is_durable = self.journal.append(&group).is_ok();
        if !carried.is_durable {
            self.view.fresh.roll_back(durable.seq);
            self.head = durable;
        }
        Ok(carried)
    }

    fn step(
        &mut self,
        given: &Given,
        durable: u64,
        records: &mut Vec<u8>,
    ) -> Result<StepEnd, String> {
        let stamp = Stamp {
            context: StepContext {
                now_ms: given.context.now_ms.max(self.head.time_ms),
                seed: given.context.seed,
            },
            payload_key: [7; 32],
        };
        let mut said = Said(given.verdicts.clone().into());
        let done = if given.is_stopped {
            CarriedOut {
                end: StepEnd::Stopped {
                    kind: StopKind::Trap,
                    detail: "by the simulator".into(),
                },
                verdicts: Vec::new(),
                cost: 0,
            }
        } else {
            carry_out(
                self.kernel.as_mut(),
                &self.view,
                &mut said,
                stamp.context,
                &given.input,
            )
            .map_err(|error| error.to_string())?
        };
        let input = codec::decode_input(&given.input).map_err(|error| error.to_string())?;
        let kind = InputKind::of(&input);
        record(records, &mut self.head, kind, &stamp, &given.input, &done);
        if let Input::PolicyChanged { chain, .. } = input
            && !given.is_stopped
        {
            self.head.policies = chain;
        }
        if let StepEnd::Done(output) = &done.end {
            let writes = output.writes.clone();
            self.view.fresh.apply(self.head.seq, durable, writes);
        }
        Ok(done.end)
    }

    /// Writes the rows to the tables. Rows that cannot be written stay in memory, and the tables
    /// are reopened, as the service does.
    pub fn checkpoint(&mut self) {
        let path = self.layout.tables();
        let tables = match self.tables.take() {
            Some(tables) => Ok(tables),
            None => Tables::open(&self.disk, &path),
        };
        let written = tables.and_then(|tables| {
            tables.checkpoint(&self.view.fresh, &self.head)?;
            Ok((tables.base()?.0, tables))
        });
        match written {
            Ok((base, tables)) => {
                self.view.base = base;
                self.view.fresh = Arc::new(MemoryTable::default());
                self.tables = Some(tables);
            }
            Err(_) => {
                if let Ok(tables) = Tables::open(&self.disk, &path)
                    && let Ok((base, _)) = tables.base()
                {
                    self.view.base = base;
                    self.tables = Some(tables);
                }
            }
        }
    }
}

/// Policies that repeat recorded verdicts.
struct Said(VecDeque<Verdict>);

impl PolicyChain for Said {
    fn ask(&mut self, questions: &[Question]) -> Vec<Verdict> {
        let mut next = |_| {
            let none = || Verdict::Failed("nothing was said to this question".into());
            self.0.pop_front().unwrap_or_else(none)
        };
        questions.iter().map(&mut next).collect()
    }

    fn digest(&self) -> String {
        String::new()
    }

    fn gates(&self) -> Gates {
        Gates::ALL
    }
}
