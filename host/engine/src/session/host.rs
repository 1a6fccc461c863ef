//! What a step of a session sees while it is carried out again: rows in memory, and the verdicts
//! that are recorded or those of other policies.

use std::collections::BTreeMap;

use causeway_kernel::codec;
use causeway_kernel::env::{LogLevel, Range, Rows, Scan};
use causeway_kernel::policy::{Question, Verdict};
use causeway_kernel::table::Table;

use super::rows::SessionRows;
use crate::journal::{Digest, RecordedVerdict};
use crate::policy::PolicyChain;
use crate::runtime::StepHost;

/// A host for one step.
pub struct SessionHost<'a> {
    rows: &'a SessionRows,
    recorded: BTreeMap<Digest, &'a [u8]>,
    /// Asked instead, if there are any.
    live: Option<&'a mut dyn PolicyChain>,
    /// Questions that are not recorded.
    pub unknown: usize,
    /// Questions that other policies answer otherwise: the recorded verdict and theirs.
    pub changed: Vec<(Verdict, Verdict)>,
}

impl<'a> SessionHost<'a> {
    /// Over rows, with the verdicts of a step.
    pub fn new(
        rows: &'a SessionRows,
        verdicts: &'a [RecordedVerdict],
        live: Option<&'a mut dyn PolicyChain>,
    ) -> SessionHost<'a> {
        let recorded = verdicts
            .iter()
            .map(|it| (it.question, it.verdict.as_slice()));
        SessionHost {
            rows,
            recorded: recorded.collect(),
            live,
            unknown: 0,
            changed: Vec::new(),
        }
    }

    fn ask_live(&mut self, question: &[u8], recorded: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let live = self.live.as_mut()?;
        let question: Question<'_> = codec::decode_question(question).ok()?;
        let verdict = live.ask(&[question]).into_iter().next()?;
        let recorded = recorded.and_then(|it| codec::decode_verdict(&it).ok());
        if let Some(recorded) = recorded.filter(|it| *it != verdict) {
            self.changed.push((recorded, verdict.clone()));
        }
        Some(codec::encode_verdict(&verdict))
    }
}

impl StepHost for SessionHost<'_> {
    fn get_many(&mut self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        self.rows.get_many(table, keys)
    }

    fn scan(&mut self, table: Table, range: &Range) -> Scan {
        self.rows.scan(table, range)
    }

    fn ask(&mut self, questions: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        questions
            .iter()
            .map(|question| {
                let recorded = self.recorded.get(&Digest::of(question));
                let recorded = recorded.map(|it| it.to_vec());
                if let Some(verdict) = self.ask_live(question, recorded.clone()) {
                    return verdict;
                }
                recorded.unwrap_or_else(|| {
                    self.unknown += 1;
                    codec::encode_verdict(&Verdict::Failed("not recorded".into()))
                })
            })
            .collect()
    }

    fn log(&mut self, _level: LogLevel, _message: String) {}
}
