//! A host in memory: tables in ordered maps, policies as a function. For tests and the simulator.

use std::cell::{Cell, RefCell};

use crate::boundary::env::{Host, LogLevel, Range, Rows, Scan, StepContext};
use crate::boundary::input::Input;
use crate::boundary::output::{Output, Write};
use crate::boundary::policy::{Question, Verdict};
use crate::rows::key::RowKey;
use crate::rows::memory::Tables;
use crate::rows::table::Table;
use crate::step;

/// Answers questions in place of policies.
pub type PolicyFn = Box<dyn Fn(&Question<'_>) -> Verdict>;

/// Tables in memory.
#[derive(Default)]
pub struct MemoryHost {
    /// Every row.
    pub tables: Tables,
    /// The policies; `None` allows everything.
    pub policy: Option<PolicyFn>,
    /// Lists of questions that were put to the policies.
    pub lists_asked: Cell<u32>,
    /// Lines logged by the kernel.
    pub lines: RefCell<Vec<String>>,
    steps: u64,
}

impl MemoryHost {
    /// An empty workspace, before genesis.
    #[must_use]
    pub fn new() -> MemoryHost {
        MemoryHost::default()
    }

    /// Carries out an input at a time and applies its writes; the seed is the step's number mixed with
    /// `salt`, so that two workspaces generate different ids.
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
        self.tables.apply(writes);
    }
}

impl Rows for MemoryHost {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        self.tables.get_many(table, keys)
    }

    fn look(&self, table: Table, key: RowKey, see: &mut dyn FnMut(Option<&[u8]>)) {
        self.tables.look(table, key, see);
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        self.tables.scan(table, range)
    }
}

impl Host for MemoryHost {
    fn ask(&self, questions: &[Question<'_>]) -> Vec<Verdict> {
        self.lists_asked.set(self.lists_asked.get() + 1);
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
