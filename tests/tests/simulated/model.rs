//! What a workspace must hold, whatever happened to its disk.

use std::collections::BTreeMap;

use causeway_engine::MemoryRows;
use causeway_engine::Position;
use causeway_engine::journal::Digest;
use causeway_engine::runtime::StepEnd;
use causeway_sim::dice::Dice;
use causeway_tests::simulated::workspace::{Carried, Given, Workspace};

/// Steps of a group at most.
const GROUP_STEPS_MAX: u64 = 5;

/// Every entry that was ever made, including those that no disk has.
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
    rows: MemoryRows,
}

impl Model {
    /// The rows after an entry.
    fn rows(&self, entry: Digest) -> MemoryRows {
        let known = self.entries.get(&entry);
        known.map(|known| known.rows.clone()).unwrap_or_default()
    }

    pub fn acknowledged_seq(&self) -> u64 {
        self.entries
            .get(&self.acknowledged)
            .map_or(0, |known| known.seq)
    }

    /// Makes a workspace execute the next group of inputs and make it durable. Returns
    /// whether there was anything to do.
    ///
    /// # Errors
    /// If a step cannot be executed.
    pub fn work(
        &mut self,
        workspace: &mut Workspace,
        inputs: &[Given],
        dice: &mut Dice,
    ) -> Result<bool, String> {
        let before = workspace.head().clone();
        let done = usize::try_from(before.seq).unwrap_or(usize::MAX);
        let rest = &inputs[done.min(inputs.len())..];
        let steps = usize::try_from(1 + dice.below(GROUP_STEPS_MAX)).unwrap_or(1);
        let mut group = rest[..steps.min(rest.len())].to_vec();
        for given in &mut group {
            // A step that is executed again differs, but has the same length.
            given.context.seed = dice.bytes();
        }
        if group.is_empty() {
            return Ok(false);
        }
        let carried = workspace.append(&group)?;
        self.add(before.digest, &carried);
        Ok(true)
    }

    fn add(&mut self, mut previous: Digest, carried: &Carried) {
        for (head, end) in &carried.steps {
            self.add_step(previous, head, end);
            previous = head.digest;
        }
        if carried.is_durable {
            self.acknowledged = previous;
        }
    }

    fn add_step(&mut self, previous: Digest, head: &Position, end: &StepEnd) {
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

    /// Checks that an opened workspace holds everything up to some entry, and nothing else.
    ///
    /// # Errors
    /// What it holds instead.
    pub fn check(&self, workspace: &Workspace) -> Result<(), String> {
        let head = workspace.head();
        let known = self.entries.get(&head.digest);
        if known.map_or(0, |known| known.seq) != head.seq {
            return Err(format!("nobody made its last entry, number {}", head.seq));
        }
        if !workspace.rows()?.all().eq(self.rows(head.digest).all()) {
            return Err(format!("its rows are not those of entry {}", head.seq));
        }
        Ok(())
    }

    /// Checks that every row that can be read is as written, though others may be missing.
    ///
    /// # Errors
    /// If one is not.
    pub fn check_rows(&self, workspace: &Workspace) -> Result<(), String> {
        let written = self.rows(workspace.head().digest);
        for (table, key, value) in workspace.rows()?.all() {
            if written.value(table, key) != Some(value) {
                return Err(format!("a row of {} is not what was written", table.name()));
            }
        }
        Ok(())
    }

    /// Checks that it also holds everything that was acknowledged.
    ///
    /// # Errors
    /// As [`Model::check`].
    pub fn check_whole(&self, workspace: &Workspace) -> Result<(), String> {
        self.check(workspace)?;
        let mut at = workspace.head().digest;
        while at != self.acknowledged {
            match self.entries.get(&at) {
                Some(known) => at = known.previous,
                None => {
                    return Err(format!(
                        "it ends with entry {}, without entry {}, which was acknowledged",
                        workspace.head().seq,
                        self.acknowledged_seq()
                    ));
                }
            }
        }
        Ok(())
    }

    /// An opened workspace is served: its state must not be lost from now on. Other branches cannot return.
    pub fn accept(&mut self, workspace: &Workspace) {
        self.acknowledged = workspace.head().digest;
        let digest = self.acknowledged;
        self.entries.retain(|it, _| *it == digest);
    }
}
