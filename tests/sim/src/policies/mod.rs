//! Policies of a node, and how a step asks them questions.

mod chain;
mod shipped;

use std::cell::RefCell;

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{Host, LogLevel, Range, Rows, Scan};
use causeway_kernel::boundary::policy::{Question, Verdict};
use causeway_kernel::rows::key::RowKey;
use causeway_kernel::rows::table::Table;

use causeway_kernel::rows::memory::Tables;

pub use chain::Chain;

/// A word that a filter denies.
pub const DENIED_WORD: &str = "classified";
/// A word that a filter replaces.
pub const REVISED_WORD: &str = "rude";
/// Its replacement.
pub const REVISED_TO: &str = "****";

/// A text after revision by the filter.
#[must_use]
pub fn revised(message: &str) -> String {
    message.replace(REVISED_WORD, REVISED_TO)
}

/// A question with its answer.
pub struct Asked {
    /// The question, encoded.
    pub question: Vec<u8>,
    /// The answer.
    pub verdict: Verdict,
}

impl Asked {
    /// The question.
    ///
    /// # Panics
    /// If it was not encoded by this module.
    #[must_use]
    pub fn question(&self) -> Question<'_> {
        let question = codec::decode_question(&self.question);
        question.expect("it was encoded when it was asked")
    }

    /// The post that was asked about, or whose mentions were.
    #[must_use]
    pub fn post(&self) -> Option<String> {
        match self.question() {
            Question::Mention(it) => Some(it.post_id.to_string()),
            other => Some(other.post()?.post_id.to_string()),
        }
    }
}

/// Source of verdicts.
pub enum Source {
    /// The loaded policies, and the step's seed.
    Live(Chain, [u8; 16]),
    /// The journal: a replay does not need the policy.
    Recorded(Vec<Verdict>),
}

/// What a step can access: rows and verdicts.
pub struct StepHost<'r> {
    rows: &'r Tables,
    source: Source,
    asked: RefCell<Vec<Asked>>,
}

impl<'r> StepHost<'r> {
    /// The host for a step.
    #[must_use]
    pub fn new(rows: &'r Tables, source: Source) -> StepHost<'r> {
        StepHost {
            rows,
            source,
            asked: RefCell::default(),
        }
    }

    /// The questions asked, with their verdicts.
    #[must_use]
    pub fn asked(self) -> Vec<Asked> {
        self.asked.into_inner()
    }
}

impl Rows for StepHost<'_> {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        self.rows.get_many(table, keys)
    }

    fn look(&self, table: Table, key: RowKey, see: &mut dyn FnMut(Option<&[u8]>)) {
        self.rows.look(table, key, see);
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        self.rows.scan(table, range)
    }
}

impl Host for StepHost<'_> {
    fn ask(&self, questions: &[Question<'_>]) -> Vec<Verdict> {
        let mut asked = self.asked.borrow_mut();
        let verdicts: Vec<Verdict> = questions
            .iter()
            .enumerate()
            .map(|(at, question)| match &self.source {
                Source::Live(chain, seed) => chain.judge(*seed, question),
                // A question that was not asked in the recording is a difference that the digests show.
                Source::Recorded(list) => list
                    .get(asked.len() + at)
                    .cloned()
                    .unwrap_or_else(|| Verdict::Failed("not recorded".to_string())),
            })
            .collect();
        let answered = questions.iter().zip(&verdicts);
        asked.extend(answered.map(|(question, verdict)| Asked {
            question: codec::encode_question(question),
            verdict: verdict.clone(),
        }));
        verdicts
    }

    fn log(&self, _level: LogLevel, _message: String) {}
}
