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
    /// End of the range, exclusive; empty = open.
    pub to: Vec<u8>,
    /// Whether the rows come from the end of the range.
    pub reverse: bool,
    /// At most so many rows.
    pub rows_max: u32,
    /// At most so many bytes of keys and values; the first row always comes.
    pub bytes_max: u32,
}

/// Reads rows. Implemented by the component's `store` import, by snapshots of the host, by the
/// simulator's memory and by [`Tx`](crate::rows::tx::Tx), so that every query runs on each of them.
pub trait Rows {
    /// The values of `keys`, in their order.
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>>;

    /// Shows the value of one key; what holds the row already need not copy it.
    fn look(&self, table: Table, key: RowKey, see: &mut dyn FnMut(Option<&[u8]>)) {
        let found = self.get_many(table, &[key.into_vec()]);
        see(found.first().and_then(Option::as_deref));
    }

    /// A user. Few users stand behind many objects: what is asked for the same ones again and
    /// again may keep them decoded.
    fn user(&self, no: UserNo) -> Option<Rc<User>> {
        self.get(&no).map(Rc::new)
    }

    /// A channel; kept like a user.
    fn channel(&self, no: ChannelNo) -> Option<Rc<Channel>> {
        self.get(&no).map(Rc::new)
    }

    /// Rows of a range in key order (or its reverse), cut at the range's limits.
    /// Fewer than `rows_max` rows may come although more exist only when `bytes_max` was reached;
    /// `Scan::more` tells.
    fn scan(&self, table: Table, range: &Range) -> Scan;
}

/// What a scan found.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// Keys and values in the order asked for.
    pub rows: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether a limit cut the scan short.
    pub more: bool,
}

/// Everything that a step may ask of its host.
pub trait Host: Rows {
    /// Asks the policies. One verdict for each question, in their order; the host records them.
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
    /// Needs an admin's eye.
    Warn,
}

/// What the host fixes about a step before it runs; recorded in its journal entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepContext {
    /// The step's time, in milliseconds since the Unix epoch; never goes back.
    pub now_ms: i64,
    /// The only source of what looks random: ids and jitter derive from it.
    pub seed: [u8; 16],
}

/// What a log line begins with by which the kernel component reports a panic of its own; the text
/// after it names the place.
pub const PANIC_PREFIX: &str = "the kernel panicked: ";
