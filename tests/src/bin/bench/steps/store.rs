//! Tables in memory as a step's host, which count what a step asks of them.

use std::collections::BTreeMap;
use std::ops::{AddAssign, Bound};

use causeway_engine::runtime::{StepHost, StepOutput};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{LogLevel, Range, Scan};
use causeway_kernel::boundary::policy::Verdict;
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
    /// Bytes of inputs, keys, values, questions and outputs, both ways.
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

/// One ordered map for each table.
pub struct Tables {
    tables: Vec<BTreeMap<Vec<u8>, Vec<u8>>>,
    /// Since it was last taken.
    pub traffic: Traffic,
}

impl Tables {
    /// Empty tables.
    pub fn new() -> Tables {
        Tables {
            tables: vec![BTreeMap::new(); usize::from(u8::MAX) + 1],
            traffic: Traffic::default(),
        }
    }

    fn table(&self, table: Table) -> &BTreeMap<Vec<u8>, Vec<u8>> {
        &self.tables[usize::from(table.code())]
    }

    /// Applies what a step wrote, and counts what it returned.
    pub fn apply(&mut self, output: &StepOutput) {
        self.count(output.reply.len());
        for effect in &output.effects {
            self.count(effect.len());
        }
        for write in &output.writes {
            self.count(write.key.len() + write.value.as_ref().map_or(0, Vec::len));
            let table = &mut self.tables[usize::from(write.table.code())];
            match &write.value {
                Some(value) => table.insert(write.key.clone(), value.clone()),
                None => table.remove(&write.key),
            };
        }
    }

    /// Adds bytes to the traffic.
    pub fn count(&mut self, bytes: usize) {
        self.traffic.bytes += bytes as u64;
    }
}

impl StepHost for Tables {
    fn get_many(&mut self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        let rows = self.table(table);
        let found: Vec<Option<Vec<u8>>> = keys.iter().map(|key| rows.get(key).cloned()).collect();
        self.traffic.gets += 1;
        self.traffic.keys += keys.len() as u64;
        let asked: usize = keys.iter().map(Vec::len).sum();
        let answered: usize = found.iter().flatten().map(Vec::len).sum();
        self.count(asked + answered);
        found
    }

    fn scan(&mut self, table: Table, range: &Range) -> Scan {
        let to = match range.to.is_empty() {
            true => Bound::Unbounded,
            false => Bound::Excluded(range.to.as_slice()),
        };
        let from = Bound::Included(range.from.as_slice());
        let is_empty = !range.to.is_empty() && range.from >= range.to;
        let mut scan = Scan::default();
        let mut bytes = 0;
        if !is_empty {
            let mut rows = self.table(table).range::<[u8], _>((from, to));
            let mut next = || {
                if range.reverse {
                    rows.next_back()
                } else {
                    rows.next()
                }
            };
            while let Some((key, value)) = next() {
                let more = bytes + key.len() + value.len();
                let is_full = scan.rows.len() >= range.rows_max as usize
                    || (!scan.rows.is_empty() && more > range.bytes_max as usize);
                if is_full {
                    scan.more = true;
                    break;
                }
                bytes = more;
                scan.rows.push((key.clone(), value.clone()));
            }
        }
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
