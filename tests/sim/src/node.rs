//! A workspace with its machine: tables and journal in memory, a clock that may be wrong, a process
//! that may die.
//!
//! As in the engine, steps are executed at once and become durable later, in groups. Steps that are
//! not durable when the process dies are undone, except for a prefix that had reached the disk.

use std::collections::{BTreeSet, VecDeque};

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::due_run::DueRun;
use causeway_kernel::boundary::env::StepContext;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::{Effect, Reply, Write};
use causeway_kernel::boundary::policy::Verdict;

use crate::clock::Clock;
use crate::dice::Dice;
use crate::journal::{self, Digest, Entry};
use crate::kernel::{HostFlaw, Kernel, Release};
use crate::oracle::Peers;
use crate::policies::{Asked, Chain, Source, StepHost};
use crate::store::Store;
use causeway_kernel::rows::memory::Tables;

/// The names of the workspaces.
pub const NAMES: [&str; 3] = ["acme", "globex", "initech"];

/// The names of their copies.
const COPIES: [&str; 3] = [
    "the copy of acme",
    "the copy of globex",
    "the copy of initech",
];

/// The earlier value of a row, if it existed.
type Old = Option<Vec<u8>>;

/// The result of a step, as seen by observers.
pub struct Carried {
    /// Its journal entry.
    pub entry: Entry,
    /// The reply.
    pub reply: Reply,
    /// The rows that it wrote.
    pub writes: Vec<Write>,
    /// The values of these rows before it, in the same order.
    pub old: Vec<Old>,
    /// Its effects.
    pub effects: Vec<Effect>,
    /// Its questions to the policies.
    pub asked: Vec<Asked>,
}

impl Carried {
    /// Whether a policy gave no verdict.
    #[must_use]
    pub fn has_failed_verdict(&self) -> bool {
        let mut verdicts = self.asked.iter().map(|asked| &asked.verdict);
        verdicts.any(|verdict| matches!(verdict, Verdict::Failed(_)))
    }
}

/// A step that has been executed and is not durable yet.
struct Unsynced<N> {
    entry: Entry,
    writes: Vec<Write>,
    old: Vec<Old>,
    note: N,
}

/// The result of a step that is only tried.
pub struct Probed {
    /// The reply.
    pub reply: Reply,
    /// Rows that it would change.
    pub changes: Vec<Write>,
    /// The effects.
    pub effects: Vec<Effect>,
}

/// The contents of a backup.
#[derive(Clone)]
pub struct Backup {
    rows: Tables,
    journal: Vec<Entry>,
}

/// A workspace. `N` is what its driver stores with a step until it is durable.
pub struct Node<N> {
    /// Its number.
    pub no: usize,
    /// Every row, including those of steps that are not durable.
    pub rows: Tables,
    /// The durable entries.
    pub journal: Vec<Entry>,
    /// Its clock.
    pub clock: Clock,
    /// The loaded policies.
    pub policies: Chain,
    /// Whether the process is running.
    pub is_running: bool,
    /// Whether it serves requests: what a start executes is durable.
    pub is_serving: bool,
    /// Whether it was restored from a backup after the process died.
    pub is_restored: bool,
    /// Number of starts of the process.
    pub life: u32,
    /// Times at which the kernel wants a timer, by the node's clock.
    pub wakes: BTreeSet<i64>,
    /// How due work is carried out.
    pub due: DueRun,
    /// When its timer fires, in ms of simulation time.
    pub timer_at_ms: Option<i64>,
    /// The nodes at the other ends of its connections, including removed ones.
    pub peers: Peers,
    name: &'static str,
    release: Release,
    kernel: Box<dyn Kernel>,
    unsynced: VecDeque<Unsynced<N>>,
    /// How many of them the running sync covers; 0 = no sync is running.
    syncing: usize,
    seeds: Dice,
    store: Option<Box<dyn Store>>,
}

impl<N> Node<N> {
    /// An empty workspace with a running process.
    #[must_use]
    pub fn new(no: usize, seed: u64, kernel: Box<dyn Kernel>) -> Node<N> {
        Node {
            no,
            rows: Tables::default(),
            journal: Vec::new(),
            clock: Clock::default(),
            policies: Chain::default(),
            is_running: true,
            is_serving: true,
            is_restored: false,
            life: 0,
            wakes: BTreeSet::new(),
            due: DueRun::default(),
            timer_at_ms: None,
            peers: Peers::new(),
            name: NAMES[no],
            release: Release::default(),
            kernel,
            unsynced: VecDeque::new(),
            syncing: 0,
            seeds: Dice::new(seed, &format!("steps of node {no}")),
            store: None,
        }
    }

    /// Another host, copied from this one; its process does not run yet. Its number is `no`.
    #[must_use]
    pub fn copy(
        &self,
        no: usize,
        seeds: Dice,
        kernel: Box<dyn Kernel>,
        backup: &Backup,
    ) -> Node<N> {
        Node {
            no,
            rows: backup.rows.clone(),
            journal: backup.journal.clone(),
            clock: self.clock,
            policies: self.policies,
            is_running: false,
            is_serving: false,
            is_restored: true,
            life: self.life + 1,
            peers: self.peers.clone(),
            name: COPIES[self.no],
            release: self.release,
            seeds,
            ..Node::new(self.no, 0, kernel)
        }
    }

    /// Replaces the original: takes its number and its name.
    pub fn take_over(&mut self, original: &Node<N>) {
        (self.no, self.name) = (original.no, original.name);
    }

    /// Also stores durable steps in files.
    pub fn keep_in(&mut self, store: Box<dyn Store>) {
        self.store = Some(store);
    }

    /// Replaces the running kernel.
    pub fn load(&mut self, release: Release, kernel: Box<dyn Kernel>) {
        self.release = release;
        self.kernel = kernel;
    }

    /// The release of the running kernel.
    #[must_use]
    pub fn release(&self) -> Release {
        self.release
    }

    /// The release that executed the last step.
    #[must_use]
    pub fn last_release(&self) -> Release {
        self.last()
            .map_or(Release::default(), |entry| entry.release)
    }

    /// Every executed step, including those that are not durable.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let unsynced = self.unsynced.iter().map(|step| &step.entry);
        self.journal.iter().chain(unsynced).cloned().collect()
    }

    fn last(&self) -> Option<&Entry> {
        let unsynced = self.unsynced.back().map(|step| &step.entry);
        unsynced.or(self.journal.last())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The time shown by its clock.
    #[must_use]
    pub fn clock_ms(&self, now_ms: i64) -> i64 {
        self.clock.at(now_ms)
    }

    /// The time of a step now: it never goes back.
    #[must_use]
    pub fn time_ms(&self, now_ms: i64) -> i64 {
        self.clock_ms(now_ms).max(self.last_ms())
    }

    /// The time of its last step.
    #[must_use]
    pub fn last_ms(&self) -> i64 {
        self.last().map_or(0, |entry| entry.context.now_ms)
    }

    fn context(&self, now_ms: i64, seed: [u8; 16]) -> StepContext {
        StepContext {
            now_ms: self.time_ms(now_ms),
            seed,
        }
    }

    /// Handles an input that stops the step: it has no effect, unless the host has a defect. Returns its
    /// entry, which has to be kept, and the reply of a host with a defect.
    ///
    /// # Errors
    /// If the kernel of a host with a defect stopped on its own.
    pub fn stop(&mut self, now_ms: i64, input: &Input) -> Result<(Entry, Option<Reply>), String> {
        let seed = self.seeds.bytes();
        let context = self.context(now_ms, seed);
        let bytes = codec::encode_input(input);
        let reply = match self.host_flaw() {
            None => None,
            Some(flaw) => self.stop_badly(flaw, context, &bytes)?,
        };
        let entry = Entry {
            release: self.release,
            context,
            chain: journal::chain(self.chain(), context, &bytes, None),
            input: bytes,
            verdicts: Vec::new(),
            is_stopped: true,
        };
        Ok((entry, reply))
    }

    fn stop_badly(
        &mut self,
        flaw: HostFlaw,
        context: StepContext,
        input: &[u8],
    ) -> Result<Option<Reply>, String> {
        let host = StepHost::new(&self.rows, Source::Live(self.policies, context.seed));
        let output = self.kernel.step(&host, context, input)?;
        match flaw {
            HostFlaw::KeepsHalfTheWrites => {
                let half = output.writes.len().div_ceil(2);
                self.rows.apply(&output.writes[..half]);
                Ok(None)
            }
            HostFlaw::LosesTheFrame => {
                let reply =
                    codec::decode_reply(&output.reply).map_err(|error| error.to_string())?;
                Ok(matches!(reply, Reply::Http { .. }).then_some(reply))
            }
            // It behaves correctly here.
            HostFlaw::TakesAnyHost => Ok(None),
        }
    }

    /// The defect of the host around the kernel, to test the checkers.
    #[must_use]
    pub fn host_flaw(&self) -> Option<HostFlaw> {
        self.kernel.host_flaw()
    }

    /// Executes an input; [`Node::keep`] has to follow.
    ///
    /// # Errors
    /// If the kernel stopped.
    pub fn carry_out(&mut self, now_ms: i64, input: &Input) -> Result<Carried, String> {
        let seed = self.seeds.bytes();
        let context = self.context(now_ms, seed);
        let input = codec::encode_input(input);
        let host = StepHost::new(&self.rows, Source::Live(self.policies, context.seed));
        let output = self.kernel.step(&host, context, &input)?;
        let asked = host.asked();
        let previous = self.chain();
        let entry = Entry {
            release: self.release,
            context,
            chain: journal::chain(previous, context, &input, Some(&output)),
            input,
            verdicts: asked.iter().map(|asked| asked.verdict.clone()).collect(),
            is_stopped: false,
        };
        let old = self.rows.apply(&output.writes);
        Ok(Carried {
            entry,
            reply: codec::decode_reply(&output.reply).map_err(|error| error.to_string())?,
            effects: effects(&output.effects)?,
            writes: output.writes,
            old,
            asked,
        })
    }

    /// Keeps an executed step until it is durable.
    pub fn keep(&mut self, entry: Entry, writes: Vec<Write>, old: Vec<Old>, note: N) {
        self.unsynced.push_back(Unsynced {
            entry,
            writes,
            old,
            note,
        });
    }

    /// What an input would do now; it has no lasting effect.
    ///
    /// # Errors
    /// If the kernel stopped.
    pub fn probe(&mut self, now_ms: i64, seed: [u8; 16], input: &Input) -> Result<Probed, String> {
        let context = self.context(now_ms, seed);
        let host = StepHost::new(&self.rows, Source::Live(self.policies, context.seed));
        let output = self
            .kernel
            .step(&host, context, &codec::encode_input(input))?;
        let stays =
            |write: &Write| self.rows.value(write.table, &write.key) == write.value.as_ref();
        let changes = output.writes.iter().filter(|write| !stays(write)).cloned();
        Ok(Probed {
            reply: codec::decode_reply(&output.reply).map_err(|error| error.to_string())?,
            changes: changes.collect(),
            effects: effects(&output.effects)?,
        })
    }

    /// The chain up to the last executed step.
    #[must_use]
    pub fn chain(&self) -> Digest {
        self.last().map_or(Digest::default(), |entry| entry.chain)
    }

    /// Begins to make executed steps durable; returns whether there is anything to wait for.
    pub fn begin_sync(&mut self) -> bool {
        if self.syncing > 0 || self.unsynced.is_empty() {
            return false;
        }
        self.syncing = self.unsynced.len();
        true
    }

    /// Ends the sync: returns what is durable now.
    ///
    /// # Errors
    /// If its files reject it.
    pub fn end_sync(&mut self) -> Result<Vec<N>, String> {
        let count = std::mem::take(&mut self.syncing);
        if let Some(store) = &mut self.store {
            let group: Vec<&Entry> = self.unsynced.iter().map(|step| &step.entry).collect();
            store.append(&group[..count])?;
        }
        Ok(self.make_durable(count))
    }

    fn make_durable(&mut self, count: usize) -> Vec<N> {
        let mut notes = Vec::with_capacity(count);
        for step in self.unsynced.drain(..count) {
            self.journal.push(step.entry);
            notes.push(step.note);
        }
        notes
    }

    /// The number of steps that are not durable.
    #[must_use]
    pub fn unsynced(&self) -> usize {
        self.unsynced.len()
    }

    /// The process dies. Of the steps that are not durable, the first `survivors` had reached the
    /// disk, unless its files decide. Returns those and the others.
    ///
    /// # Errors
    /// If its files do not hold what they must.
    pub fn die(&mut self, survivors: usize) -> Result<(Vec<N>, Vec<N>), String> {
        let survivors = match &mut self.store {
            Some(store) => {
                let group: Vec<&Entry> = self.unsynced.iter().map(|step| &step.entry).collect();
                store.die(&group)?
            }
            None => survivors,
        };
        self.syncing = 0;
        self.is_running = false;
        self.is_serving = false;
        self.life += 1;
        self.wakes.clear();
        self.due = DueRun::default();
        self.timer_at_ms = None;
        let durable = self.make_durable(survivors.min(self.unsynced.len()));
        let mut lost = Vec::new();
        while let Some(step) = self.unsynced.pop_back() {
            for (write, value) in step.writes.iter().zip(step.old) {
                self.rows.set(write.table, &write.key, value);
            }
            lost.push(step.note);
        }
        if let Some(store) = &self.store {
            store.compare(&self.rows)?;
        }
        Ok((durable, lost))
    }

    /// A copy of the durable state. Nothing may be unsynced.
    #[must_use]
    pub fn backup(&mut self) -> Backup {
        assert!(self.unsynced.is_empty(), "a backup is of what is durable");
        if let Some(store) = &mut self.store {
            store.back_up();
        }
        Backup {
            rows: self.rows.clone(),
            journal: self.journal.clone(),
        }
    }

    /// Replaces its state by a backup. The process must not run.
    ///
    /// # Errors
    /// If its files do not hold what was backed up.
    pub fn restore(&mut self, backup: &Backup) -> Result<(), String> {
        assert!(!self.is_running, "a restore happens to files at rest");
        self.is_restored = true;
        self.rows.clone_from(&backup.rows);
        self.journal.clone_from(&backup.journal);
        if let Some(store) = &mut self.store {
            store.restore()?;
            store.compare(&self.rows)?;
        }
        Ok(())
    }
}

fn effects(encoded: &[Vec<u8>]) -> Result<Vec<Effect>, String> {
    encoded
        .iter()
        .map(|effect| codec::decode_effect(effect).map_err(|error| error.to_string()))
        .collect()
}
