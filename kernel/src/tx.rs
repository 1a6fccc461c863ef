//! A step's view of the tables: the stored rows under an overlay of the step's own writes.
//! Nothing is written until the step returns; dropping a `Tx` drops all it did.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::env::{Host, LogLevel, Range, Rows, Scan, StepContext};
use crate::feed::Follower;
use crate::id::{ChannelNo, ConnectionNo, Id};
use crate::key::{self, KeyPart};
use crate::model::Scope;
use crate::output::{Effect, Write};
use crate::policy::{Question, Verdict};
use crate::table::Table;

/// A row with a schema. Its value is a version byte and postcard; rows of older versions are
/// upgraded when they are read and stored anew when they are touched.
pub trait Record: Serialize + DeserializeOwned {
    /// Where it stands.
    const TABLE: Table;
    /// Version written today.
    const VERSION: u8 = 1;
    /// Its key.
    type Key: KeyPart;

    /// Reads a row of an older version.
    #[must_use]
    fn upgrade(_version: u8, _bytes: &[u8]) -> Option<Self> {
        None
    }

    /// The bytes of the row.
    fn to_bytes(&self) -> Vec<u8> {
        // Serialising plain data into a vector cannot fail; an empty row would be found by reading.
        postcard::to_extend(self, vec![Self::VERSION]).unwrap_or_default()
    }

    /// The row of the bytes.
    #[must_use]
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (version, body) = bytes.split_first()?;
        if *version == Self::VERSION {
            postcard::from_bytes(body).ok()
        } else {
            Self::upgrade(*version, body)
        }
    }
}

/// Typed reads over any [`Rows`].
pub trait Read: Rows {
    /// One row.
    fn get<R: Record>(&self, key: &R::Key) -> Option<R> {
        let found = self.get_many(R::TABLE, &[key::encode(key)]);
        R::from_bytes(found.first()?.as_deref()?)
    }

    /// Whether a row exists.
    fn has<R: Record>(&self, key: &R::Key) -> bool {
        matches!(
            self.get_many(R::TABLE, &[key::encode(key)]).first(),
            Some(Some(_))
        )
    }

    /// Several rows, in the order of the keys.
    fn get_all<R: Record>(&self, keys: &[R::Key]) -> Vec<Option<R>> {
        let keys: Vec<Vec<u8>> = keys.iter().map(key::encode).collect();
        let found = self.get_many(R::TABLE, &keys);
        found
            .iter()
            .map(|bytes| R::from_bytes(bytes.as_deref()?))
            .collect()
    }

    /// Rows whose key starts with `prefix`, from its beginning, at most `rows_max`.
    fn prefix<R: Record, P: KeyPart>(&self, prefix: &P, rows_max: u32) -> Vec<(R::Key, R)> {
        let from = key::encode(prefix);
        let to = key::prefix_end(&from).unwrap_or_default();
        self.rows::<R>(&Range {
            from,
            to,
            reverse: false,
            rows_max,
            bytes_max: SCAN_BYTES_MAX,
        })
    }

    /// Rows of a range, decoded; rows that do not decode are left out.
    fn rows<R: Record>(&self, range: &Range) -> Vec<(R::Key, R)> {
        let found = self.scan(R::TABLE, range).rows;
        found
            .iter()
            .filter_map(|(k, v)| Some((key::decode::<R::Key>(k)?, R::from_bytes(v)?)))
            .collect()
    }
}

impl<T: Rows + ?Sized> Read for T {}

/// Bytes that a typed scan may bring at once.
pub const SCAN_BYTES_MAX: u32 = 4 << 20;

type Overlay = BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>;

/// A step in the making.
pub struct Tx<'a> {
    host: &'a dyn Host,
    context: StepContext,
    ids_made: u64,
    overlay: Overlay,
    effects: Vec<Effect>,
    /// See [`Tx::stamp`].
    pub(crate) stamps: BTreeMap<ChannelNo, i64>,
    /// Connections that may have something to send since this step; see
    /// [`outbound::pump`](crate::outbound::pump).
    pub(crate) touched: BTreeSet<ConnectionNo>,
    /// Rows of `Pending` that stand for certain.
    pub(crate) marked: BTreeSet<(ConnectionNo, u8, ChannelNo)>,
    /// Who follows which part of the feed, as far as this step asked.
    pub(crate) followers: BTreeMap<Scope, Rc<[Follower]>>,
}

impl<'a> Tx<'a> {
    /// An empty step.
    pub fn new(host: &'a dyn Host, context: StepContext) -> Tx<'a> {
        Tx {
            host,
            context,
            ids_made: 0,
            overlay: Overlay::new(),
            effects: Vec::new(),
            stamps: BTreeMap::new(),
            touched: BTreeSet::new(),
            marked: BTreeSet::new(),
            followers: BTreeMap::new(),
        }
    }

    /// The step's time, in ms.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.context.now_ms
    }

    /// A fresh id: hash(seed, n).
    pub fn new_id(&mut self) -> Id {
        Id::from_uuid_bytes(self.random())
    }

    /// Sixteen bytes that look random and follow from the seed alone.
    pub fn random(&mut self) -> [u8; 16] {
        self.ids_made += 1;
        let mut hasher = blake3::Hasher::new_keyed(&self.key());
        hasher.update(&self.ids_made.to_be_bytes());
        let mut out = [0; 16];
        hasher.finalize_xof().fill(&mut out);
        out
    }

    fn key(&self) -> [u8; blake3::KEY_LEN] {
        let mut key = [0; blake3::KEY_LEN];
        let (head, _) = key.split_at_mut(16);
        head.copy_from_slice(&self.context.seed);
        key
    }

    /// Stores a row.
    pub fn put<R: Record>(&mut self, key: &R::Key, row: &R) {
        if matches!(R::TABLE, Table::Links | Table::Connections) {
            self.followers.clear();
        }
        self.overlay
            .insert((R::TABLE, key::encode(key)), Some(row.to_bytes()));
    }

    /// Deletes a row.
    pub fn delete<R: Record>(&mut self, key: &R::Key) {
        self.overlay.insert((R::TABLE, key::encode(key)), None);
    }

    /// Keys of a range, of whatever record stands there.
    #[must_use]
    pub fn scan_keys(&self, table: Table, range: &Range) -> Vec<Vec<u8>> {
        self.scan(table, range)
            .rows
            .into_iter()
            .map(|(key, _)| key)
            .collect()
    }

    /// Deletes a row by the bytes of its key.
    pub fn delete_key(&mut self, table: Table, key: Vec<u8>) {
        self.overlay.insert((table, key), None);
    }

    /// Adds an effect.
    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Asks the policies.
    #[must_use]
    pub fn ask(&self, questions: &[Question]) -> Vec<Verdict> {
        if questions.is_empty() {
            Vec::new()
        } else {
            self.host.ask(questions)
        }
    }

    /// A line for the operator.
    pub fn log(&self, level: LogLevel, message: String) {
        self.host.log(level, message);
    }

    /// Forgets everything that the step did so far, as if it had just begun. Ids already made are
    /// not made again.
    pub fn abandon(&mut self) {
        self.overlay.clear();
        self.effects.clear();
        self.stamps.clear();
        self.touched.clear();
        self.marked.clear();
        self.followers.clear();
    }

    /// Ends the step.
    #[must_use]
    pub fn finish(self) -> (Vec<Write>, Vec<Effect>) {
        let writes = self
            .overlay
            .into_iter()
            .map(|((table, key), value)| Write { table, key, value })
            .collect();
        (writes, self.effects)
    }
}

impl Rows for Tx<'_> {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        let mut out: Vec<Option<Vec<u8>>> = Vec::with_capacity(keys.len());
        let mut missing = Vec::new();
        for key in keys {
            // One lookup key a probe; the tuple borrow would need an owned key anyway.
            if let Some(own) = self.overlay.get(&(table, key.clone())) {
                out.push(own.clone());
            } else {
                missing.push((out.len(), key.clone()));
                out.push(None);
            }
        }
        if !missing.is_empty() {
            let wanted: Vec<Vec<u8>> = missing.iter().map(|(_, key)| key.clone()).collect();
            let found = self.host.get_many(table, &wanted);
            for ((at, _), value) in missing.into_iter().zip(found) {
                if let Some(slot) = out.get_mut(at) {
                    *slot = value;
                }
            }
        }
        out
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        merge(&self.overlay, table, range, |range| {
            self.host.scan(table, range)
        })
    }
}

/// Merges an overlay into a scan of what lies below it. Also used by the host for groups that are
/// executed but not yet in the tables.
pub fn merge(
    overlay: &BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
    table: Table,
    range: &Range,
    below: impl Fn(&Range) -> Scan,
) -> Scan {
    let first = (table, range.from.clone());
    let mut own: Vec<(&Vec<u8>, &Option<Vec<u8>>)> = overlay
        .range(first..)
        .take_while(|((t, k), _)| *t == table && (range.to.is_empty() || *k < range.to))
        .map(|((_, k), v)| (k, v))
        .collect();
    if own.is_empty() {
        return below(range);
    }
    if range.reverse {
        own.reverse();
    }
    // Every deletion in the overlay may hide one row below, so ask for that many more.
    let hidden = u32::try_from(own.iter().filter(|(_, v)| v.is_none()).count()).unwrap_or(u32::MAX);
    let wider = Range {
        rows_max: range.rows_max.saturating_add(hidden),
        ..range.clone()
    };
    let base = below(&wider);
    let base_end = base
        .rows
        .last()
        .map(|(key, _)| key.clone())
        .filter(|_| base.more);
    let mut out = Scan {
        rows: Vec::new(),
        more: base.more,
    };
    let mut lower = base.rows.into_iter().peekable();
    let mut upper = own.into_iter().peekable();
    let before = |a: &[u8], b: &[u8]| if range.reverse { a > b } else { a < b };
    let mut bytes = 0usize;
    loop {
        let take_lower = match (lower.peek(), upper.peek()) {
            (None, None) => break,
            (Some(_), None) => true,
            (None, Some((key, _))) => {
                // Beyond a cut scan the rows below are unknown: stop there.
                if base_end.as_ref().is_some_and(|end| before(end, key)) {
                    break;
                }
                false
            }
            (Some((low, _)), Some((up, _))) => {
                if low == *up {
                    lower.next();
                    continue;
                }
                before(low, up)
            }
        };
        let next = if take_lower {
            lower.next()
        } else {
            match upper.next() {
                Some((key, Some(value))) => Some((key.clone(), value.clone())),
                _ => continue,
            }
        };
        let Some((key, value)) = next else { break };
        bytes += key.len() + value.len();
        let full = out.rows.len() >= range.rows_max as usize
            || (!out.rows.is_empty() && bytes > range.bytes_max as usize);
        if full {
            out.more = true;
            break;
        }
        out.rows.push((key, value));
    }
    out
}
