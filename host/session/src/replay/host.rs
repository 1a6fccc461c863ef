//! The host of a step during the replay of a session: provides the rows before the step, and the
//! recorded verdicts or those of other policies.

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{LogLevel, Range, Scan};
use causeway_kernel::boundary::policy::{Question, Verdict};
use causeway_kernel::rows::table::Table;

use super::history::AsOf;
use super::rehearsal::Rehearsal;
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
    /// Other policies to ask, if any.
    other: Option<Other<'a>>,
    /// Questions that are not recorded.
    pub unknown: usize,
}

/// Other policies than the recorded ones.
pub enum Other<'a> {
    /// They decide. Collects what they decide differently: the recorded verdict and theirs.
    Decide(&'a mut dyn PolicyChain, &'a mut Vec<(Verdict, Verdict)>),
    /// They are asked beside the recorded verdicts, which decide. The number and time of the step are those of the
    /// examples.
    Rehearse(&'a mut dyn PolicyChain, &'a mut Rehearsal, (u64, i64)),
}

impl<'a> SessionHost<'a> {
    /// A host with these rows and the verdicts of a step.
    pub fn new(
        rows: AsOf<'a>,
        verdicts: &'a [VerdictView<'a>],
        other: Option<Other<'a>>,
    ) -> SessionHost<'a> {
        SessionHost {
            rows,
            recorded: verdicts,
            next: 0,
            other,
            unknown: 0,
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

    /// The verdicts of other policies, if they decide; `recorded` are those of the recording.
    fn ask_other(
        &mut self,
        questions: &[Vec<u8>],
        recorded: &[Option<&[u8]>],
    ) -> Option<Vec<Vec<u8>>> {
        let other = self.other.as_mut()?;
        let known: Result<Vec<Question<'_>>, _> = questions
            .iter()
            .map(|it| codec::decode_question(it))
            .collect();
        let known = known.ok()?;
        let recorded = recorded
            .iter()
            .map(|verdict| verdict.and_then(|it| codec::decode_verdict(it).ok()));
        // As a list, as the service asks: its questions share an instance.
        match other {
            Other::Decide(chain, changed) => {
                let verdicts = chain.ask(&known);
                for (recorded, now) in recorded.zip(&verdicts) {
                    if let Some(recorded) = recorded.filter(|it| it != now) {
                        changed.push((recorded, now.clone()));
                    }
                }
                Some(verdicts.iter().map(codec::encode_verdict).collect())
            }
            Other::Rehearse(chain, rehearsal, place) => {
                let verdicts = chain.ask(&known);
                for ((question, recorded), now) in known.iter().zip(recorded).zip(&verdicts) {
                    if let Some(recorded) = recorded {
                        rehearsal.add(*place, question, (&recorded, now));
                    }
                }
                None
            }
        }
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
        let digests = questions.iter().map(|it| Digest::of(it));
        let recorded: Vec<Option<&[u8]>> = digests.map(|it| self.recorded(it)).collect();
        if let Some(verdicts) = self.ask_other(&questions, &recorded) {
            return verdicts;
        }
        let none = || codec::encode_verdict(&Verdict::Failed("not recorded".into()));
        self.unknown += recorded.iter().filter(|it| it.is_none()).count();
        let recorded = recorded.into_iter();
        recorded
            .map(|verdict| verdict.map_or_else(none, <[u8]>::to_vec))
            .collect()
    }

    fn log(&mut self, _level: LogLevel, _message: String) {}
}
