//! The files of a simulated node: the engine's own journal and tables, on a faulty disk.

use std::sync::{Arc, Mutex};

use causeway_engine::journal::Digest;
use causeway_engine::testing::Layout;
use causeway_kernel::rows::memory::Tables;
use causeway_sim::dice::Dice;
use causeway_sim::journal::Entry;
use causeway_sim::store::Store;
use tempfile::TempDir;

use super::disk::{FaultDisk, Image, Troubles};
use super::workspace::{Given, Workspace};

/// Small segments, so that processes often end near the boundary of a segment.
const SEGMENT_BYTES: u64 = 48 << 10;

/// Calls of the disk before the power fails, at most.
const CALLS_MAX: u64 = 14;

/// Steps of a group at most, if many are not durable when a process dies.
const GROUP_STEPS_MAX: usize = 4;

/// How processes ended, by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Power failures.
    pub cuts: u64,
    /// Power failures in the middle of a call of the disk.
    pub torn: u64,
    /// The process died, but not the system.
    pub kills: u64,
}

/// The files of a node.
pub struct DiskStore {
    disk: FaultDisk,
    folder: TempDir,
    dice: Dice,
    /// `None` only while it is being opened.
    workspace: Option<Workspace>,
    /// Digests of the entries, in order.
    entries: Vec<Digest>,
    backup: Option<(Image, Vec<Digest>)>,
    ends: Arc<Mutex<Ends>>,
}

impl DiskStore {
    /// Creates empty files, whose faults follow from a seed. `ends` counts how processes end.
    ///
    /// # Errors
    /// If no folder can be created.
    pub fn new(seed: u64, node: usize, ends: Arc<Mutex<Ends>>) -> Result<DiskStore, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let made = Layout::of(folder.path()).make();
        made.map_err(|error| error.to_string())?;
        let mut dice = Dice::new(seed, &format!("files of node {node}"));
        let mut store = DiskStore {
            disk: FaultDisk::new(dice.below(u64::MAX)),
            folder,
            dice,
            workspace: None,
            entries: Vec::new(),
            backup: None,
            ends,
        };
        store.open()?;
        Ok(store)
    }

    /// Opens the files; they must hold a prefix of what was ever written.
    fn open(&mut self) -> Result<u64, String> {
        self.workspace = None;
        let workspace = Workspace::open(&self.disk, self.folder.path(), SEGMENT_BYTES)?;
        let head = workspace.head();
        let known = match usize::try_from(head.seq).unwrap_or(usize::MAX) {
            0 => Some(&Digest::ZERO),
            seq => self.entries.get(seq - 1),
        };
        if known != Some(&head.digest) {
            return Err(format!(
                "nobody wrote their last entry, number {}",
                head.seq
            ));
        }
        let seq = head.seq;
        self.workspace = Some(workspace);
        Ok(seq)
    }

    fn workspace(&mut self) -> &mut Workspace {
        self.workspace.as_mut().expect("it is open between calls")
    }

    /// Writes a group; returns whether the disk took it.
    fn write(&mut self, group: &[&Entry]) -> Result<bool, String> {
        let given: Vec<Given> = group.iter().map(|entry| given(entry)).collect();
        let carried = self.workspace().append(&given)?;
        let digests = carried.steps.iter().map(|(position, _)| position.digest);
        self.entries.extend(digests);
        Ok(carried.is_durable)
    }

    /// The process works on this group until the power fails or nothing is left to do.
    fn last_work(&mut self, group: &[&Entry]) -> Result<(), String> {
        let mut rest = group;
        while !rest.is_empty() && self.disk.is_on() {
            let steps = 1 + self.dice.below(GROUP_STEPS_MAX.min(rest.len()) as u64);
            let (now, later) = rest.split_at(usize::try_from(steps).unwrap_or(1).min(rest.len()));
            if !self.write(now)? {
                return Ok(());
            }
            rest = later;
        }
        if self.disk.is_on() && self.dice.chance(500) {
            self.workspace().checkpoint();
        }
        Ok(())
    }

    /// Opens the files after the end of a process. The power may fail again meanwhile.
    fn reopen(&mut self) -> Result<u64, String> {
        if self.dice.chance(250) {
            let calls = self.dice.below(CALLS_MAX);
            self.disk.plan(calls, Troubles::default());
            let opened = self.open();
            if self.disk.is_on() {
                opened?;
            }
            self.workspace = None;
            self.disk.cut();
        }
        self.open()
    }
}

fn given(entry: &Entry) -> Given {
    Given {
        context: entry.context,
        input: entry.input.clone(),
        verdicts: entry.verdicts.clone(),
        is_stopped: entry.is_stopped,
    }
}

impl Store for DiskStore {
    fn append(&mut self, group: &[&Entry]) -> Result<(), String> {
        if !self.write(group)? {
            return Err("a disk with power and room refused a group".into());
        }
        if self.dice.chance(200) {
            self.workspace().checkpoint();
        }
        Ok(())
    }

    fn die(&mut self, group: &[&Entry]) -> Result<usize, String> {
        let durable = self.workspace().head().seq;
        let calls = self.dice.below(CALLS_MAX);
        self.disk.plan(calls, Troubles::default());
        self.last_work(group)?;
        let is_torn = !self.disk.is_on();
        let is_cut = is_torn || self.dice.chance(500);
        if is_cut {
            self.disk.cut();
        } else {
            self.disk.kill();
        }
        {
            let mut ends = self.ends.lock().expect("nobody panics with it");
            ends.cuts += u64::from(is_cut);
            ends.torn += u64::from(is_torn);
            ends.kills += u64::from(!is_cut);
        }
        let seq = self.reopen()?;
        let Some(survivors) = seq.checked_sub(durable) else {
            return Err(format!(
                "entry {durable} was durable, {seq} is the last one left"
            ));
        };
        self.entries.truncate(usize::try_from(seq).unwrap_or(0));
        usize::try_from(survivors).map_err(|error| error.to_string())
    }

    fn compare(&self, rows: &Tables) -> Result<(), String> {
        let workspace = self.workspace.as_ref().expect("it is open between calls");
        let found = workspace.rows()?;
        let expected = causeway_kernel::rows::table::Table::ALL
            .iter()
            .flat_map(|table| {
                let rows = rows.of(*table);
                rows.map(|(key, value)| (*table, key.as_slice(), value.as_slice()))
            });
        if found.all().eq(expected) {
            return Ok(());
        }
        Err(format!(
            "the rows in the files are not those of entry {}",
            workspace.head().seq
        ))
    }

    fn back_up(&mut self) {
        self.backup = Some((self.disk.image(), self.entries.clone()));
    }

    fn restore(&mut self) -> Result<(), String> {
        self.workspace = None;
        let (image, entries) = self.backup.as_ref().ok_or("there is no copy")?;
        self.disk.restore(image);
        self.entries.clone_from(entries);
        self.open().map(|_| ())
    }
}
