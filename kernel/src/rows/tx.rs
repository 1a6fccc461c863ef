//! A step's view of the tables: the stored rows under an overlay of the step's own writes, and the step's
//! caches. Nothing is written until the step returns; dropping a `Tx` drops all changes.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::boundary::env::{Host, LogLevel, Range, Rows, Scan, StepContext};
use crate::boundary::output::{Effect, Write};
use crate::boundary::policy::{Question, Verdict};
use crate::model::{Channel, Counters, Follower, Scope, User};
use crate::rows::drafts::Drafts;
use crate::rows::id::{ChannelNo, ConnectionNo, Id, UserNo};
use crate::rows::key::RowKey;
use crate::rows::overlay::Overlay;
pub use crate::rows::record::{Read, Record, SCAN_BYTES_MAX};
use crate::rows::table::Table;

/// The state of a step in progress.
pub struct Tx<'a> {
    host: &'a dyn Host,
    context: StepContext,
    ids_made: u64,
    rows: Overlay<'a>,
    /// Rows that were changed but are not in `rows` yet.
    drafts: RefCell<Drafts>,
    /// Users that were requested, with their current values.
    users: RefCell<BTreeMap<UserNo, Option<Rc<User>>>>,
    effects: Vec<Effect>,
    /// See [`Tx::stamp`].
    pub(crate) stamps: BTreeMap<ChannelNo, i64>,
    /// Connections that may have something to send after this step; see
    /// [`outbound::pump`](crate::outbound::pump).
    pub(crate) touched: BTreeSet<ConnectionNo>,
    /// Rows of `Pending` that are known to exist.
    pub(crate) marked: BTreeSet<(ConnectionNo, u8, ChannelNo)>,
    /// Followers of the scopes that this step has requested.
    pub(crate) followers: BTreeMap<Scope, Rc<[Follower]>>,
}

impl<'a> Tx<'a> {
    /// An empty step.
    pub fn new(host: &'a dyn Host, context: StepContext) -> Tx<'a> {
        Tx {
            host,
            context,
            ids_made: 0,
            rows: Overlay::new(host),
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

    /// Sixteen apparently random bytes that depend only on the seed.
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

    fn write(&mut self, table: Table, key: RowKey, value: Option<Vec<u8>>) {
        if table == Table::Users {
            self.users.get_mut().clear();
        }
        self.drafts.get_mut().give_way(table, &self.rows);
        self.rows.write(table, key, value);
    }

    /// Stores the drafts of a table before it is read.
    fn settle(&self, table: Table) {
        self.drafts.borrow_mut().settle(table, &self.rows);
    }

    /// Changes the counters.
    pub(crate) fn change_counters<T>(&mut self, change: impl FnOnce(&mut Counters) -> T) -> T {
        change(self.drafts.get_mut().counters(&self.rows))
    }

    /// Changes a channel; `None` if it does not exist. While it is being changed its row has the previous
    /// value: `change` must not read any channel but the one that it is given.
    pub(crate) fn change_channel<T>(
        &mut self,
        no: ChannelNo,
        change: impl FnOnce(&mut Self, &mut Channel) -> T,
    ) -> Option<T> {
        let mut channel = self.drafts.get_mut().take_channel(no, &self.rows)?;
        let result = change(self, &mut channel);
        self.drafts.get_mut().keep_channel(no, channel);
        Some(result)
    }

    /// Fetches rows that the step will read one by one, in a single call to the host.
    pub fn prefetch<R: Record>(&self, keys: impl Iterator<Item = R::Key>) {
        let mut keys: Vec<RowKey> = keys.map(|key| RowKey::of(&key)).collect();
        keys.sort_unstable();
        keys.dedup();
        self.rows.fetch(R::TABLE, keys);
    }

    /// Keys of a range, whatever the record type.
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

    /// Logs a line for the operator.
    pub fn log(&self, level: LogLevel, message: String) {
        self.host.log(level, message);
    }

    /// Reverts everything that the step did so far. Ids already generated are not generated again.
    pub fn abandon(&mut self) {
        self.rows.clear();
        *self.drafts.get_mut() = Drafts::default();
        self.users.get_mut().clear();
        self.effects.clear();
        self.stamps.clear();
        self.touched.clear();
        self.marked.clear();
        self.followers.clear();
    }

    /// Ends the step and returns its writes and effects.
    #[must_use]
    pub fn finish(self) -> (Vec<Write>, Vec<Effect>) {
        self.drafts.into_inner().settle_all(&self.rows);
        (self.rows.into_writes(), self.effects)
    }
}

impl Rows for Tx<'_> {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        self.settle(table);
        self.rows.get_many(table, keys)
    }

    fn look(&self, table: Table, key: RowKey, see: &mut dyn FnMut(Option<&[u8]>)) {
        self.settle(table);
        self.rows.look(table, key, see);
    }

    fn user(&self, no: UserNo) -> Option<Rc<User>> {
        if let Some(known) = self.users.borrow().get(&no) {
            return known.clone();
        }
        let found = self.get(&no).map(Rc::new);
        self.users.borrow_mut().insert(no, found.clone());
        found
    }

    fn channel(&self, no: ChannelNo) -> Option<Rc<Channel>> {
        self.drafts.borrow_mut().channel(no, &self.rows)
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        self.settle(table);
        self.rows.scan(table, range)
    }
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
