//! The host of a step during the replay of a session: provides the rows before the step, and the
//! recorded verdicts or those of other policies.

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{LogLevel, Range, Scan};
use causeway_kernel::boundary::policy::{Question, Verdict};
use causeway_kernel::rows::table::Table;

use super::history::AsOf;
use crate::file::codec::VerdictView;
use causeway_engine::journal::Digest;
use causeway_engine::policy::PolicyChain;
use causeway_engine::runtime::StepHost;

/// A host for one step.
pub struct SessionHost<'a> {
    rows: AsOf<'a>,
    recorded: &'a [VerdictView<'a>],
    /// Position after the verdict found last.
    next: usize,
    /// Policies to ask instead, if any.
    live: Option<&'a mut dyn PolicyChain>,
    /// Questions that are not recorded.
    pub unknown: usize,
    /// Questions that other policies answer differently: the recorded verdict and theirs.
    pub changed: Vec<(Verdict, Verdict)>,
}

impl<'a> SessionHost<'a> {
    /// A host with these rows and the verdicts of a step.
    pub fn new(
        rows: AsOf<'a>,
        verdicts: &'a [VerdictView<'a>],
        live: Option<&'a mut dyn PolicyChain>,
    ) -> SessionHost<'a> {
        SessionHost {
            rows,
            recorded: verdicts,
            next: 0,
            live,
            unknown: 0,
            changed: Vec::new(),
        }
    }

    /// The recorded verdict on a question. Questions come in the recorded order unless the kernel is
    /// a different one: then the search starts over.
    fn recorded(&mut self, question: Digest) -> Option<&'a [u8]> {
        let is_it = |it: &VerdictView<'_>| it.question == question;
        let behind = self.recorded.iter().skip(self.next).position(is_it);
        let at = behind.map(|at| self.next + at);
        let at = at.or_else(|| self.recorded.iter().position(is_it))?;
        self.next = at + 1;
        self.recorded.get(at).map(|it| it.verdict)
    }

    fn ask_live(&mut self, question: &[u8], recorded: Option<&[u8]>) -> Option<Vec<u8>> {
        let live = self.live.as_mut()?;
        let question: Question<'_> = codec::decode_question(question).ok()?;
        let verdict = live.ask(&[question]).into_iter().next()?;
        let recorded = recorded.and_then(|it| codec::decode_verdict(it).ok());
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
                let recorded = self.recorded(Digest::of(question));
                if let Some(verdict) = self.ask_live(question, recorded) {
                    return verdict;
                }
                recorded.map(<[u8]>::to_vec).unwrap_or_else(|| {
                    self.unknown += 1;
                    codec::encode_verdict(&Verdict::Failed("not recorded".into()))
                })
            })
            .collect()
    }

    fn log(&mut self, _level: LogLevel, _message: String) {}
}
