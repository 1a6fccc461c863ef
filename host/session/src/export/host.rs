//! The host of a step during an export: provides rows and recorded verdicts, and lists everything
//! that the step reads.

use std::collections::{BTreeMap, VecDeque};

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{LogLevel, Range, Rows, Scan};
use causeway_kernel::boundary::policy::Verdict;
use causeway_kernel::rows::table::Table;

use causeway_engine::journal::{Digest, RecordedVerdict};
use causeway_engine::runtime::StepHost;

/// Where verdicts come from.
pub enum Verdicts<'a> {
    /// By the digest of the question.
    Recorded(&'a [RecordedVerdict]),
    /// In the order of the questions, whose texts are different in a masked step.
    InOrder(VecDeque<Vec<u8>>),
}

/// A read of a step.
pub enum ReadRows {
    /// Single rows.
    Keys(Table, Vec<Vec<u8>>),
    /// A range, and its rows.
    Range(Table, Range, Scan),
}

/// A host for one step.
pub struct ExportHost<'a> {
    rows: &'a dyn Rows,
    verdicts: Verdicts<'a>,
    /// The questions and answers, in order.
    pub asked: Vec<RecordedVerdict>,
    /// Questions without an answer.
    pub unknown: usize,
    /// The reads.
    pub reads: Vec<ReadRows>,
}

impl<'a> ExportHost<'a> {
    /// A host with these rows and verdicts.
    pub fn new(rows: &'a dyn Rows, verdicts: Verdicts<'a>) -> ExportHost<'a> {
        ExportHost {
            rows,
            verdicts,
            asked: Vec::new(),
            unknown: 0,
            reads: Vec::new(),
        }
    }

    fn answer(&mut self, questions: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        match &mut self.verdicts {
            Verdicts::Recorded(list) => {
                let known: BTreeMap<Digest, &Vec<u8>> =
                    list.iter().map(|it| (it.question, &it.verdict)).collect();
                let found = questions.iter().map(|it| known.get(&Digest::of(it)));
                found.map(|it| it.map(|it| it.to_vec())).collect()
            }
            Verdicts::InOrder(list) => questions.iter().map(|_| list.pop_front()).collect(),
        }
    }
}

impl StepHost for ExportHost<'_> {
    fn get_many(&mut self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        self.reads.push(ReadRows::Keys(table, keys.to_vec()));
        self.rows.get_many(table, keys)
    }

    fn scan(&mut self, table: Table, range: &Range) -> Scan {
        let scan = self.rows.scan(table, range);
        self.reads
            .push(ReadRows::Range(table, range.clone(), scan.clone()));
        scan
    }

    fn ask(&mut self, questions: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let answers = self.answer(&questions);
        let mut verdicts = Vec::with_capacity(questions.len());
        for (question, answer) in questions.iter().zip(answers) {
            self.unknown += usize::from(answer.is_none());
            let failed = || codec::encode_verdict(&Verdict::Failed("not recorded".into()));
            let verdict = answer.unwrap_or_else(failed);
            self.asked.push(RecordedVerdict {
                question: Digest::of(question),
                verdict: verdict.clone(),
            });
            verdicts.push(verdict);
        }
        verdicts
    }

    fn log(&mut self, _level: LogLevel, _message: String) {}
}
