//! A host in memory: tables in ordered maps, policies as a function. For tests and the simulator.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::boundary::env::{Host, LogLevel, Range, Rows, Scan, StepContext};
use crate::boundary::input::Input;
use crate::boundary::output::{Output, Write};
use crate::boundary::policy::{Question, Verdict};
use crate::rows::table::Table;
use crate::step;

/// Answers questions in place of policies.
pub type PolicyFn = Box<dyn Fn(&Question<'_>) -> Verdict>;

/// Tables in memory.
#[derive(Default)]
pub struct MemoryHost {
    /// Every row.
    pub tables: BTreeMap<(Table, Vec<u8>), Vec<u8>>,
    /// The policies; `None` allows everything.
    pub policy: Option<PolicyFn>,
    /// Lines that the kernel logged.
    pub lines: RefCell<Vec<String>>,
    steps: u64,
}

impl MemoryHost {
    /// An empty workspace, before genesis.
    #[must_use]
    pub fn new() -> MemoryHost {
        MemoryHost::default()
    }

    /// Carries out an input at a time and applies its writes; the seed is the step's number mixed
    /// with `salt`, so that two workspaces make different ids.
    pub fn run(&mut self, now_ms: i64, salt: u64, input: &Input) -> Output {
        self.steps += 1;
        let mut seed = [0; 16];
        let (head, tail) = seed.split_at_mut(8);
        head.copy_from_slice(&salt.to_be_bytes());
        tail.copy_from_slice(&self.steps.to_be_bytes());
        let output = step::step(self, StepContext { now_ms, seed }, input);
        self.apply(&output.writes);
        output
    }

    /// Applies writes.
    pub fn apply(&mut self, writes: &[Write]) {
        for write in writes {
            let key = (write.table, write.key.clone());
            match &write.value {
                Some(value) => self.tables.insert(key, value.clone()),
                None => self.tables.remove(&key),
            };
        }
    }
}

impl Rows for MemoryHost {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        keys.iter()
            .map(|key| self.tables.get(&(table, key.clone())).cloned())
            .collect()
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        let found = self
            .tables
            .range((table, range.from.clone())..)
            .take_while(|((t, key), _)| *t == table && (range.to.is_empty() || *key < range.to))
            .map(|((_, key), value)| (key.clone(), value.clone()));
        let mut rows: Vec<_> = if range.reverse {
            let mut all: Vec<_> = found.collect();
            all.reverse();
            all
        } else {
            found.take(range.rows_max as usize + 1).collect()
        };
        let mut bytes = 0;
        let mut kept = 0;
        for (key, value) in &rows {
            bytes += key.len() + value.len();
            let full = kept >= range.rows_max as usize;
            if full || (kept > 0 && bytes > range.bytes_max as usize) {
                break;
            }
            kept += 1;
        }
        let more = kept < rows.len();
        rows.truncate(kept);
        Scan { rows, more }
    }
}

impl Host for MemoryHost {
    fn ask(&self, questions: &[Question<'_>]) -> Vec<Verdict> {
        let judge = |question| {
            self.policy
                .as_ref()
                .map_or(Verdict::Allow, |policy| policy(question))
        };
        questions.iter().map(judge).collect()
    }

    fn log(&self, _level: LogLevel, message: String) {
        self.lines.borrow_mut().push(message);
    }
}
