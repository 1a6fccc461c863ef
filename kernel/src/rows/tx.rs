//! A step's view of the tables: the stored rows under an overlay of the step's own writes.
//! Nothing is written until the step returns; dropping a `Tx` drops all it did.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::boundary::codec;
use crate::boundary::env::{Host, LogLevel, Range, Rows, Scan, StepContext};
use crate::boundary::output::{Effect, Write};
use crate::boundary::policy::{Question, Verdict};
use crate::boundary::texts::{HasTexts, TextVisitor};
use crate::model::{Scope, User};
use crate::rows::drafts::Drafts;
use crate::rows::id::{ChannelNo, ConnectionNo, Id, UserNo};
use crate::rows::key::{self, KeyPart, RowKey};
use crate::rows::table::{Subject, Table};
use crate::sharing::feed::Follower;

/// A row with a schema: what the list of tables says of it, besides what it says of itself. Its
/// value is a version byte and postcard; rows of older versions are upgraded when they are read and
/// stored anew when they are touched.
pub trait Record: Serialize + DeserializeOwned + HasTexts {
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

    /// Shows every text of a key to `visitor`.
    fn key_texts(key: &mut Self::Key, visitor: &mut dyn TextVisitor);

    /// Whose data the row of a key is.
    fn subjects(key: &Self::Key) -> Vec<Subject>;

    /// The bytes of the row.
    fn to_bytes(&self) -> Vec<u8> {
        // Serialising plain data into a vector cannot fail; an empty row would be found by reading.
        codec::versioned(Self::VERSION, self).unwrap_or_default()
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
        let mut row = None;
        self.look(R::TABLE, RowKey::of(key), &mut |bytes| {
            row = bytes.and_then(R::from_bytes);
        });
        row
    }

    /// Whether a row exists.
    fn has<R: Record>(&self, key: &R::Key) -> bool {
        let mut found = false;
        self.look(R::TABLE, RowKey::of(key), &mut |bytes| {
            found = bytes.is_some();
        });
        found
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

/// Where a row stands.
type Place = (Table, RowKey);

/// A row that a step read or wrote.
struct Row {
    /// Whether the step wrote it. What it had read there before is not kept: whoever abandons the
    /// step asks the host again.
    is_written: bool,
    /// `None` = there is none.
    value: Option<Vec<u8>>,
}

/// A step in the making.
pub struct Tx<'a> {
    host: &'a dyn Host,
    context: StepContext,
    ids_made: u64,
    /// The rows do not change while the step runs, so each is fetched once.
    rows: RefCell<BTreeMap<Place, Row>>,
    /// Rows that are changed and not in `rows` yet.
    pub(crate) drafts: RefCell<Drafts>,
    /// Users that were asked for, as they stand now.
    users: RefCell<BTreeMap<UserNo, Option<Rc<User>>>>,
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
            rows: RefCell::default(),
            drafts: RefCell::default(),
            users: RefCell::default(),
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
        self.write(R::TABLE, RowKey::of(key), Some(row.to_bytes()));
    }

    /// Deletes a row.
    pub fn delete<R: Record>(&mut self, key: &R::Key) {
        self.write(R::TABLE, RowKey::of(key), None);
    }

    /// Stores a draft's row: the way past [`Tx::write`], which settles drafts.
    pub(crate) fn store<R: Record>(&self, key: &R::Key, row: &R) {
        let row = Row {
            is_written: true,
            value: Some(row.to_bytes()),
        };
        let place = (R::TABLE, RowKey::of(key));
        self.rows.borrow_mut().insert(place, row);
    }

    fn write(&mut self, table: Table, key: RowKey, value: Option<Vec<u8>>) {
        if table == Table::Users {
            self.users.get_mut().clear();
        }
        self.settle(table);
        let row = Row {
            is_written: true,
            value,
        };
        self.rows.get_mut().insert((table, key), row);
    }

    /// Fetches rows that the step is going to read one by one, in one call of the host.
    pub fn prefetch<R: Record>(&self, keys: impl Iterator<Item = R::Key>) {
        let mut keys: Vec<RowKey> = keys.map(|key| RowKey::of(&key)).collect();
        keys.sort_unstable();
        keys.dedup();
        self.fetch(R::TABLE, keys);
    }

    /// Fetches what is not there yet of these rows.
    fn fetch(&self, table: Table, keys: Vec<RowKey>) {
        let mut rows = self.rows.borrow_mut();
        let mut missing = Vec::with_capacity(keys.len());
        for key in keys {
            let place = (table, key);
            if !rows.contains_key(&place) {
                missing.push(place);
            }
        }
        if missing.is_empty() {
            return;
        }
        let keys: Vec<Vec<u8>> = missing
            .iter()
            .map(|(_, key)| key.as_bytes().to_vec())
            .collect();
        let found = self.host.get_many(table, &keys).into_iter();
        rows.extend(missing.into_iter().zip(found.map(|value| Row {
            is_written: false,
            value,
        })));
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
    pub fn delete_key(&mut self, table: Table, key: &[u8]) {
        self.write(table, RowKey::from_bytes(key), None);
    }

    /// Adds an effect.
    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Asks the policies.
    #[must_use]
    pub fn ask(&self, questions: &[Question<'_>]) -> Vec<Verdict> {
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
        self.rows.get_mut().clear();
        *self.drafts.get_mut() = Drafts::default();
        self.users.get_mut().clear();
        self.effects.clear();
        self.stamps.clear();
        self.touched.clear();
        self.marked.clear();
        self.followers.clear();
    }

    /// Ends the step.
    #[must_use]
    pub fn finish(self) -> (Vec<Write>, Vec<Effect>) {
        self.settle_all();
        let rows = self.rows.into_inner().into_iter();
        let writes = rows
            .filter(|(_, row)| row.is_written)
            .map(|((table, key), row)| Write {
                table,
                key: key.into_vec(),
                value: row.value,
            })
            .collect();
        (writes, self.effects)
    }
}

impl Rows for Tx<'_> {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        self.settle(table);
        let keys: Vec<RowKey> = keys.iter().map(|key| RowKey::from_bytes(key)).collect();
        self.fetch(table, keys.clone());
        let rows = self.rows.borrow();
        let value = |key| rows.get(&(table, key))?.value.clone();
        keys.into_iter().map(value).collect()
    }

    fn look(&self, table: Table, key: RowKey, see: &mut dyn FnMut(Option<&[u8]>)) {
        self.settle(table);
        let place = (table, key);
        let mut rows = self.rows.borrow_mut();
        if let Some(row) = rows.get(&place) {
            return see(row.value.as_deref());
        }
        let mut value = None;
        self.host.look(table, place.1.clone(), &mut |bytes| {
            value = bytes.map(<[u8]>::to_vec);
        });
        see(value.as_deref());
        let is_written = false;
        rows.insert(place, Row { is_written, value });
    }

    fn user(&self, no: UserNo) -> Option<Rc<User>> {
        if let Some(known) = self.users.borrow().get(&no) {
            return known.clone();
        }
        let found = self.get(&no).map(Rc::new);
        self.users.borrow_mut().insert(no, found.clone());
        found
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        self.settle(table);
        let rows = self.rows.borrow();
        let from = (table, RowKey::from_bytes(&range.from));
        let is_inside = |key: &[u8]| range.to.is_empty() || key < range.to.as_slice();
        let own = rows
            .range(from..)
            .map(|((of, key), row)| (*of, key.as_bytes(), row))
            .take_while(|(of, key, _)| *of == table && is_inside(key))
            .filter(|(_, _, row)| row.is_written)
            .map(|(_, key, row)| (key, row.value.as_deref()))
            .collect();
        merge(own, range, |range| self.host.scan(table, range))
    }
}

/// A row of a step's own; `None` = deleted.
type Own<'a> = (&'a [u8], Option<&'a [u8]>);

/// Merges what a step wrote into a scan of what lies below it.
fn merge(mut own: Vec<Own<'_>>, range: &Range, below: impl Fn(&Range) -> Scan) -> Scan {
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
                if low == up {
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
                Some((key, Some(value))) => Some((key.to_vec(), value.to_vec())),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IdRow, kind};
    use crate::rows::testing::MemoryHost;

    /// Counts the keys that a step fetches.
    struct Counting {
        rows: MemoryHost,
        keys: RefCell<usize>,
    }

    impl Rows for Counting {
        fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
            *self.keys.borrow_mut() += keys.len();
            self.rows.get_many(table, keys)
        }

        fn scan(&self, table: Table, range: &Range) -> Scan {
            self.rows.scan(table, range)
        }
    }

    impl Host for Counting {
        fn ask(&self, _: &[Question<'_>]) -> Vec<Verdict> {
            Vec::new()
        }

        fn log(&self, _: LogLevel, _: String) {}
    }

    #[test]
    fn a_row_is_fetched_once_and_what_the_step_wrote_hides_it() {
        let id = |byte| Id::from_uuid_bytes([byte; 16]);
        let key = |byte| (kind::POST, id(byte));
        let mut rows = MemoryHost::new();
        let context = StepContext {
            now_ms: 1,
            seed: [1; 16],
        };
        let mut tx = Tx::new(&rows, context);
        tx.put(&key(1), &IdRow(7));
        let (writes, _) = tx.finish();
        rows.apply(&writes);
        let keys = RefCell::new(0);
        let host = Counting { rows, keys };
        let mut tx = Tx::new(&host, context);
        tx.prefetch::<IdRow>([key(1), key(2), key(1)].into_iter());
        assert_eq!(*host.keys.borrow(), 2);
        for _ in 0..2 {
            assert_eq!(tx.get::<IdRow>(&key(1)), Some(IdRow(7)));
            assert_eq!(tx.get_all::<IdRow>(&[key(2), key(3)]), [None, None]);
            assert!(!tx.has::<IdRow>(&key(4)));
        }
        assert_eq!(*host.keys.borrow(), 4);
        tx.put(&key(1), &IdRow(8));
        assert_eq!(tx.get::<IdRow>(&key(1)), Some(IdRow(8)));
        tx.delete::<IdRow>(&key(1));
        assert_eq!(tx.get_all::<IdRow>(&[key(1)]), [None]);
        tx.abandon();
        assert_eq!(tx.get::<IdRow>(&key(1)), Some(IdRow(7)));
    }
}
