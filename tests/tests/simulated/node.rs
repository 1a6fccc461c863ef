//! A workspace of the engine's own parts on one thread, and a model that knows what it must hold.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use causeway_engine::Position;
use causeway_engine::disk::Disk;
use causeway_engine::journal::{Digest, Group, Journal as _, Kind, SegmentJournal};
use causeway_engine::parts::{
    Done, Kernels, Layout, MemoryTable, Stamp, Tables, View, carry_out, record, recover,
};
use causeway_engine::policy::{NoPolicies, PolicyChain, PolicyManager as _};
use causeway_engine::runtime::{KernelRunner, NativeSource, StepEnd};
use causeway_engine::session::rows::SessionRows;
use causeway_kernel::codec;
use causeway_kernel::env::StepContext;
use causeway_kernel::input::Input;
use causeway_kernel::table::Table;
use causeway_sim::dice::Dice;

use crate::disk::FaultDisk;

/// Steps of a group at most.
const GROUP_STEPS_MAX: u64 = 5;

/// Every entry that was ever made, also those that no disk has.
#[derive(Default)]
pub struct Model {
    entries: BTreeMap<Digest, Known>,
    /// The last entry that must not be lost.
    pub acknowledged: Digest,
}

#[derive(Clone)]
struct Known {
    seq: u64,
    previous: Digest,
    rows: SessionRows,
}

impl Model {
    /// The rows behind an entry.
    fn rows(&self, entry: Digest) -> SessionRows {
        let known = self.entries.get(&entry);
        known.map(|known| known.rows.clone()).unwrap_or_default()
    }

    pub fn acknowledged_seq(&self) -> u64 {
        self.entries
            .get(&self.acknowledged)
            .map_or(0, |known| known.seq)
    }

    fn add(&mut self, previous: Digest, head: &Position, end: &StepEnd) {
        let mut rows = self.rows(previous);
        if let StepEnd::Done(output) = end {
            rows.apply(&output.writes);
        }
        let known = Known {
            seq: head.seq,
            previous,
            rows,
        };
        self.entries.insert(head.digest, known);
    }

    /// Whether a workspace that was opened holds what was made up to some entry, and nothing else.
    ///
    /// # Errors
    /// What it holds in place of that.
    pub fn check(&self, node: &Node<'_>) -> Result<(), String> {
        let head = &node.head;
        let known = self.entries.get(&head.digest);
        if known.map_or(0, |known| known.seq) != head.seq {
            return Err(format!("nobody made its last entry, number {}", head.seq));
        }
        if !node.rows()?.all().eq(self.rows(head.digest).all()) {
            return Err(format!("its rows are not those of entry {}", head.seq));
        }
        Ok(())
    }

    /// Whether it holds all that was acknowledged, too.
    ///
    /// # Errors
    /// As [`Model::check`].
    pub fn check_whole(&self, node: &Node<'_>) -> Result<(), String> {
        self.check(node)?;
        let mut at = node.head.digest;
        while at != self.acknowledged {
            match self.entries.get(&at) {
                Some(known) => at = known.previous,
                None => {
                    return Err(format!(
                        "it ends with entry {}, without entry {}, which was acknowledged",
                        node.head.seq,
                        self.acknowledged_seq()
                    ));
                }
            }
        }
        Ok(())
    }

    /// What was opened is served, and must not be lost from now on. Other branches cannot come back.
    pub fn accept(&mut self, node: &Node<'_>) {
        self.acknowledged = node.head.digest;
        let digest = self.acknowledged;
        self.entries.retain(|it, _| *it == digest);
    }
}

/// An open workspace.
pub struct Node<'d> {
    disk: &'d FaultDisk,
    layout: Layout,
    /// The last step carried out.
    pub head: Position,
    view: View,
    tables: Option<Tables>,
    journal: SegmentJournal,
    kernel: Box<dyn KernelRunner>,
    policies: Box<dyn PolicyChain>,
}

impl<'d> Node<'d> {
    /// Opens what a folder holds.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(
        disk: &'d FaultDisk,
        folder: &Path,
        segment_bytes: u64,
    ) -> Result<Node<'d>, String> {
        let layout = Layout::of(folder);
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let kernels = Kernels::new(layout.kernels(), Arc::new(NativeSource));
        let opened = recover(&shared, &layout, &kernels).map_err(|error| error.to_string())?;
        let kernel = kernels.today().map_err(|error| error.to_string())?;
        let mut head = opened.replayer.head;
        head.kernel = Digest(kernel.digest());
        assert_eq!(opened.journal.tail().next_seq, head.seq + 1);
        Ok(Node {
            disk,
            layout,
            head,
            view: opened.replayer.view,
            tables: Some(opened.tables),
            journal: opened.journal.with_segment_bytes(segment_bytes),
            kernel,
            policies: NoPolicies.open().unwrap(),
        })
    }

    /// Whether its disk has power and its tables are open: after trouble they may not open again.
    pub fn can_work(&self) -> bool {
        self.disk.is_on() && self.tables.is_some()
    }

    /// Every row.
    ///
    /// # Errors
    /// When the tables cannot be read, or are not what was written.
    pub fn rows(&self) -> Result<SessionRows, String> {
        let mut rows = SessionRows::default();
        for table in Table::ALL {
            let each = |key: &[u8], value: &[u8]| {
                rows.put(*table, key, Some(value));
                Ok(())
            };
            let read = self.view.all_rows(u64::MAX, *table, each);
            read.map_err(|error| error.to_string())?;
        }
        Ok(rows)
    }

    /// Carries out a group of the inputs that come next and makes it durable; a group that the
    /// disk refuses is undone. Says whether there was anything to do.
    pub fn work(
        &mut self,
        inputs: &[(StepContext, Vec<u8>)],
        dice: &mut Dice,
        model: &mut Model,
    ) -> Result<bool, String> {
        let durable = self.head.clone();
        let done = usize::try_from(durable.seq).unwrap();
        let steps = usize::try_from(1 + dice.below(GROUP_STEPS_MAX)).unwrap();
        let inputs = &inputs[done.min(inputs.len())..];
        let mut group = Group {
            first_seq: durable.seq + 1,
            count: 0,
            last: durable.digest,
            records: Vec::new(),
        };
        for (context, input) in &inputs[..steps.min(inputs.len())] {
            self.step(*context, input, dice, &durable, &mut group, model)?;
        }
        if group.count == 0 {
            return Ok(false);
        }
        if self.journal.append(&group).is_ok() {
            model.acknowledged = self.head.digest;
        } else {
            self.view.fresh.roll_back(durable.seq);
            self.head = durable;
        }
        Ok(true)
    }

    fn step(
        &mut self,
        context: StepContext,
        input: &[u8],
        dice: &mut Dice,
        durable: &Position,
        group: &mut Group,
        model: &mut Model,
    ) -> Result<(), String> {
        // A step that is carried out once more is another one, of the same length.
        let stamp = Stamp {
            context: StepContext {
                now_ms: context.now_ms.max(self.head.time_ms),
                seed: dice.bytes(),
            },
            payload_key: [7; 32],
        };
        let policies = self.policies.as_mut();
        let done: Done = carry_out(
            self.kernel.as_mut(),
            &self.view,
            policies,
            stamp.context,
            input,
        )
        .map_err(|error| error.to_string())?;
        let decoded = codec::decode_input(input).map_err(|error| error.to_string())?;
        let previous = self.head.digest;
        let kind = Kind::of(&decoded);
        record(
            &mut group.records,
            &mut self.head,
            kind,
            &stamp,
            input,
            &done,
        );
        if let Input::PolicyChanged { chain, .. } = decoded {
            self.head.policies = chain;
        }
        model.add(previous, &self.head, &done.end);
        if let StepEnd::Done(output) = done.end {
            self.view
                .fresh
                .apply(self.head.seq, durable.seq, output.writes);
        }
        group.count += 1;
        group.last = self.head.digest;
        Ok(())
    }

    /// Writes the rows to the tables; those that cannot be written stay in memory, and the tables
    /// are opened anew, as the service does it.
    pub fn checkpoint(&mut self) {
        let path = self.layout.tables();
        let tables = match self.tables.take() {
            Some(tables) => Ok(tables),
            None => Tables::open(self.disk, &path),
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
                if let Ok(tables) = Tables::open(self.disk, &path)
                    && let Ok((base, _)) = tables.base()
                {
                    self.view.base = base;
                    self.tables = Some(tables);
                }
            }
        }
    }
}
