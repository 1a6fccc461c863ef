//! Tables in memory as a step's host. They count what a step requests.

use std::ops::AddAssign;

use causeway_engine::runtime::{StepHost, StepOutput};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{LogLevel, Range, Rows, Scan};
use causeway_kernel::boundary::policy::Verdict;
use causeway_kernel::rows::memory;
use causeway_kernel::rows::table::Table;

/// What crossed the boundary between a step and its host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Calls of `get-many`.
    pub gets: u64,
    /// Keys in them.
    pub keys: u64,
    /// Calls of `scan`.
    pub scans: u64,
    /// Bytes of inputs, keys, values, questions and outputs, in both directions.
    pub bytes: u64,
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, more: Traffic) {
        self.gets += more.gets;
        self.keys += more.keys;
        self.scans += more.scans;
        self.bytes += more.bytes;
    }
}

/// Rows in memory, and the traffic across the boundary to them.
#[derive(Default)]
pub struct Tables {
    rows: memory::Tables,
    /// Traffic since it was last taken.
    pub traffic: Traffic,
}

impl Tables {
    /// Applies what a step wrote, and counts the bytes that it returned.
    pub fn apply(&mut self, output: &StepOutput) {
        self.count(output.reply.len());
        for effect in &output.effects {
            self.count(effect.len());
        }
        for write in &output.writes {
            self.count(write.key.len() + write.value.as_ref().map_or(0, Vec::len));
        }
        self.rows.apply(&output.writes);
    }

    /// Adds bytes to the traffic.
    pub fn count(&mut self, bytes: usize) {
        self.traffic.bytes += bytes as u64;
    }
}

impl StepHost for Tables {
    fn get_many(&mut self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        let found = self.rows.get_many(table, keys);
        self.traffic.gets += 1;
        self.traffic.keys += keys.len() as u64;
        let asked: usize = keys.iter().map(Vec::len).sum();
        let answered: usize = found.iter().flatten().map(Vec::len).sum();
        self.count(asked + answered);
        found
    }

    fn scan(&mut self, table: Table, range: &Range) -> Scan {
        let scan = self.rows.scan(table, range);
        let sizes = scan.rows.iter().map(|(key, value)| key.len() + value.len());
        let bytes: usize = sizes.sum();
        self.traffic.scans += 1;
        self.count(range.from.len() + range.to.len() + bytes);
        scan
    }

    fn ask(&mut self, questions: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let allow = codec::encode_verdict(&Verdict::Allow);
        let asked: usize = questions.iter().map(Vec::len).sum();
        self.count(asked + questions.len() * allow.len());
        vec![allow; questions.len()]
    }

    fn log(&mut self, _: LogLevel, _: String) {}
}
