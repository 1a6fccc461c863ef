//! What a step may see: rows, the step's time and seed, and the policies' verdicts.

use std::rc::Rc;

use crate::boundary::policy::{Question, Verdict};
use crate::model::{Channel, User};
use crate::rows::id::{ChannelNo, UserNo};
use crate::rows::key::RowKey;
use crate::rows::record::Read;
use crate::rows::table::Table;

/// A range of a table, `from` inclusive and `to` exclusive; an empty `to` is the table's end.
#[derive(Clone, Debug)]
pub struct Range {
    /// First key of the range.
    pub from: Vec<u8>,
    /// End of the range, exclusive; empty = no end.
    pub to: Vec<u8>,
    /// Whether the rows are returned from the end of the range.
    pub reverse: bool,
    /// Maximum number of rows.
    pub rows_max: u32,
    /// Maximum number of bytes of keys and values; the first row is always returned.
    pub bytes_max: u32,
}

/// Reads rows. Implemented by the component's `store` import, by snapshots of the host, by the simulator's
/// memory and by [`Tx`](crate::rows::tx::Tx), so every query runs on each of them.
pub trait Rows {
    /// The values of `keys`, in their order.
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>>;

    /// Passes the value of one key to `see`; implementations that hold the row need not copy it.
    fn look(&self, table: Table, key: RowKey, see: &mut dyn FnMut(Option<&[u8]>)) {
        let found = self.get_many(table, &[key.into_vec()]);
        see(found.first().and_then(Option::as_deref));
    }

    /// A user. Many objects refer to few users: implementations that are asked for the same ones repeatedly
    /// may cache them decoded.
    fn user(&self, no: UserNo) -> Option<Rc<User>> {
        self.get(&no).map(Rc::new)
    }

    /// A channel; may be cached like a user.
    fn channel(&self, no: ChannelNo) -> Option<Rc<Channel>> {
        self.get(&no).map(Rc::new)
    }

    /// Rows of a range in key order (or its reverse), cut at the range's limits. Fewer than `rows_max` rows
    /// although more exist are returned only if `bytes_max` was reached; see `Scan::more`.
    fn scan(&self, table: Table, range: &Range) -> Scan;
}

/// The result of a scan.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// Keys and values in the order asked for.
    pub rows: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether a limit cut the scan short.
    pub more: bool,
}

/// Everything that a step may ask of its host.
pub trait Host: Rows {
    /// Asks the policies. One verdict for each question, in the same order; the host records them.
    fn ask(&self, questions: &[Question<'_>]) -> Vec<Verdict>;

    /// A line for the operator; never part of the digests. Must not hold content or secrets.
    fn log(&self, level: LogLevel, message: String);
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// For engineers who follow a step.
    Debug,
    /// Worth keeping.
    Info,
    /// Needs an admin's attention.
    Warn,
}

/// What the host fixes before a step runs; recorded in its journal entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepContext {
    /// The step's time, in milliseconds since the Unix epoch; never decreases.
    pub now_ms: i64,
    /// The only source of apparent randomness: ids and jitter derive from it.
    pub seed: [u8; 16],
}

/// Prefix of the log line by which the kernel component reports its own panic; the location follows it.
pub const PANIC_PREFIX: &str = "the kernel panicked: ";
