//! The rows of a session as of each of its steps, for threads that carry out steps in parallel: one
//! thread applies the recorded writes of each step, the others read.
//!
//! A step has a place, counted from 0; a row that it wrote is visible from the next place on.
//! Versions that no thread can read any more are dropped, so that memory depends on the rows, not on
//! the length of the session.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use causeway_kernel::boundary::env::{self, Scan};
use causeway_kernel::rows::key::RowKey;
use causeway_kernel::rows::table::Table;

use crate::file::codec;
use crate::file::limits::{Budget, row_bytes};
use causeway_engine::journal::Digest;
use causeway_engine::range::{bounds, limited};
use causeway_engine::rows_digest;

type Rows = BTreeMap<RowKey, Row>;

/// A value of a row, and the place from which it is visible; `None` = deleted.
type Version = (u64, Option<Bytes>);

/// A row, and its older versions that a thread may still read.
#[derive(Debug)]
struct Row {
    /// The place from which the value is visible.
    since: u64,
    value: Option<Bytes>,
    /// In ascending order; few rows have any.
    #[allow(
        clippy::box_collection,
        reason = "a quarter of the bytes in every row that has none"
    )]
    older: Option<Box<VecDeque<Version>>>,
}

impl Row {
    fn new(since: u64, value: Option<Bytes>) -> Row {
        let older = None;
        Row {
            since,
            value,
            older,
        }
    }

    fn as_of(&self, place: u64) -> Option<&[u8]> {
        if self.since <= place {
            return self.value.as_deref();
        }
        let older = self.older.as_deref()?;
        let behind = older.partition_point(|(since, _)| *since <= place);
        let (_, value) = older.get(behind.checked_sub(1)?)?;
        value.as_deref()
    }

    /// Changes the value from a place on; places before `oldest` are no longer read.
    fn change(&mut self, since: u64, value: Option<Bytes>, oldest: u64) {
        let before = (self.since, std::mem::replace(&mut self.value, value));
        self.since = since;
        if before.0 < since && since > oldest {
            self.older.get_or_insert_default().push_back(before);
        }
        if let Some(older) = &mut self.older {
            let covered = |next: Option<&Version>| next.is_some_and(|(since, _)| *since <= oldest);
            while covered(older.get(1)) {
                older.pop_front();
            }
            if since <= oldest {
                self.older = None;
            }
        }
    }
}

/// The rows of a session as of each of its steps.
#[derive(Debug)]
pub struct History {
    /// By the code of the table.
    tables: Vec<RwLock<Rows>>,
    /// The first place that each thread may still read; the maximum if it has no steps.
    asked: Vec<AtomicU64>,
    /// The place of the first step that no thread has taken.
    untaken: AtomicU64,
    /// The memory of all rows.
    memory: Budget,
}

/// The rows of a piece in memory, as long as one of their values is needed.
struct Held {
    bytes: Vec<u8>,
    counted: u64,
    memory: Budget,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.memory.give_back(self.counted);
    }
}

impl History {
    /// An empty history for this many reading threads, with a memory budget for rows.
    pub fn new(threads: usize, memory: Budget) -> History {
        let codes = Table::ALL.iter().map(|table| usize::from(table.code()));
        let tables = 0..=codes.max().unwrap_or_default();
        History {
            tables: tables.map(|_| RwLock::default()).collect(),
            asked: (0..threads).map(|_| AtomicU64::new(u64::MAX)).collect(),
            untaken: AtomicU64::new(0),
            memory,
        }
    }

    /// Copies rows; they are charged until the last of their values is dropped.
    fn hold(&self, rows: codec::Rows<'_>) -> Bytes {
        let counted = rows.memory_bytes();
        self.memory.take(counted);
        Bytes::from_owner(Held {
            bytes: rows.bytes().to_vec(),
            counted,
            memory: self.memory.clone(),
        })
    }

    /// A thread takes the steps at these places. Steps are taken in order, by one thread at a time.
    pub fn take(&self, thread: usize, places: Range<u64>) {
        self.goes_on(thread, places.start);
        self.untaken.store(places.end, Ordering::Release);
    }

    /// A thread will not read places before this one any more, except for steps that it takes later.
    pub fn goes_on(&self, thread: usize, place: u64) {
        if let Some(asked) = self.asked.get(thread) {
            asked.store(place, Ordering::Release);
        }
    }

    /// A thread has finished the steps that it took.
    pub fn rest(&self, thread: usize) {
        self.goes_on(thread, u64::MAX);
    }

    /// The rows as of a place.
    pub fn as_of(&self, place: u64) -> AsOf<'_> {
        AsOf {
            history: self,
            place,
        }
    }

    /// Digest of every row as of the last place.
    pub fn digest(&self) -> Digest {
        let tables: Vec<_> = Table::ALL.iter().map(|it| (*it, self.read(*it))).collect();
        rows_digest(tables.iter().flat_map(|(table, rows)| {
            let rows = rows.as_deref().into_iter().flatten();
            rows.filter_map(|(key, row)| Some((*table, key.as_bytes(), row.value.as_deref()?)))
        }))
    }

    /// The first place that may still be read.
    fn oldest(&self) -> u64 {
        // Read before the others: steps that are no longer untaken are already among theirs.
        let untaken = self.untaken.load(Ordering::Acquire);
        let asked = self.asked.iter().map(|it| it.load(Ordering::Acquire));
        asked.min().map_or(untaken, |asked| asked.min(untaken))
    }

    fn read(&self, table: Table) -> Option<RwLockReadGuard<'_, Rows>> {
        let rows = self.tables.get(usize::from(table.code()))?;
        Some(rows.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, table: Table) -> Option<RwLockWriteGuard<'_, Rows>> {
        let rows = self.tables.get(usize::from(table.code()))?;
        Some(rows.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The rows as of one place.
#[derive(Clone, Copy, Debug)]
pub struct AsOf<'h> {
    history: &'h History,
    place: u64,
}

impl AsOf<'_> {
    /// The values of keys, in the same order.
    pub fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        let rows = self.history.read(table);
        let value = |key: &Vec<u8>| {
            rows.as_deref()?
                .get(&RowKey::from_bytes(key))?
                .as_of(self.place)
        };
        let values = keys.iter().map(value);
        values.map(|value| value.map(<[u8]>::to_vec)).collect()
    }

    /// The rows of a range.
    pub fn scan(&self, table: Table, range: &env::Range) -> Scan {
        let rows = self.history.read(table);
        let (Some(rows), Some((from, to))) = (rows.as_deref(), bounds(range)) else {
            return Scan::default();
        };
        let owned = |(key, row): (&RowKey, &Row)| {
            Some(Ok((
                key.as_bytes().to_vec(),
                row.as_of(self.place)?.to_vec(),
            )))
        };
        let rows = rows.range((from.map(RowKey::from_bytes), to.map(RowKey::from_bytes)));
        let Ok(scan) = if range.reverse {
            limited::<Infallible>(rows.rev().filter_map(owned), range)
        } else {
            limited::<Infallible>(rows.filter_map(owned), range)
        };
        scan
    }
}

/// Applies the writes of the steps to a history.
pub struct Follower<'h> {
    history: &'h History,
    /// Rows of the start, which come in ascending order of table and key and are inserted at once.
    start: BTreeMap<Table, Vec<(RowKey, Row)>>,
    is_begun: bool,
    /// Deleted rows, to be removed once nobody can read their earlier values.
    deleted: VecDeque<(u64, Table, RowKey)>,
}

impl<'h> Follower<'h> {
    /// A follower at the start of a session.
    pub fn new(history: &'h History) -> Follower<'h> {
        Follower {
            history,
            start: BTreeMap::new(),
            is_begun: false,
            deleted: VecDeque::new(),
        }
    }

    /// Applies rows that precede the step at a place.
    pub fn rows(&mut self, place: u64, rows: codec::Rows<'_>) {
        if self.is_begun {
            return self.put(place, rows);
        }
        let values = self.history.hold(rows);
        for (table, key, value) in rows.in_copy(&values).iter() {
            self.note_empty(0, table, key, value);
            let row = Row::new(0, value.map(|value| values.slice_ref(value)));
            let start = self.start.entry(table).or_default();
            start.push((RowKey::from_bytes(key), row));
        }
    }

    /// Applies the writes of the step at a place.
    pub fn step(&mut self, place: u64, writes: codec::Rows<'_>) {
        self.begin();
        self.put(place + 1, writes);
    }

    /// Called when the rows of the start are complete.
    pub fn begin(&mut self) {
        self.is_begun = true;
        for (table, rows) in std::mem::take(&mut self.start) {
            if let Some(mut table) = self.history.write(table) {
                *table = rows.into_iter().collect();
            }
        }
    }

    fn put(&mut self, since: u64, rows: codec::Rows<'_>) {
        let oldest = self.history.oldest();
        self.bury(oldest);
        let values = self.history.hold(rows);
        // Rows are sorted by table, so each lock is taken once.
        let mut open: Option<(Table, RwLockWriteGuard<'_, Rows>)> = None;
        for (table, key, value) in rows.in_copy(&values).iter() {
            if open.as_ref().is_none_or(|(of, _)| *of != table) {
                drop(open.take());
                open = self.history.write(table).map(|rows| (table, rows));
            }
            self.note_empty(since, table, key, value);
            let Some((_, rows)) = &mut open else { continue };
            let value = value.map(|value| values.slice_ref(value));
            match rows.entry(RowKey::from_bytes(key)) {
                Entry::Occupied(row) => row.into_mut().change(since, value, oldest),
                Entry::Vacant(place) => {
                    place.insert(Row::new(since, value));
                }
            }
        }
    }

    /// Charges a row without bytes of its piece, which therefore does not keep the piece charged.
    fn note_empty(&mut self, since: u64, table: Table, key: &[u8], value: Option<&[u8]>) {
        if value.is_none_or(<[u8]>::is_empty) {
            self.history.memory.take(row_bytes(key, None));
        }
        if value.is_none() {
            self.deleted
                .push_back((since, table, RowKey::from_bytes(key)));
        }
    }

    /// Removes deleted rows that nobody can read any more.
    fn bury(&mut self, oldest: u64) {
        while let Some((_, table, key)) =
            self.deleted.pop_front_if(|(since, _, _)| *since <= oldest)
        {
            self.history
                .memory
                .give_back(row_bytes(key.as_bytes(), None));
            if let Some(mut rows) = self.history.write(table)
                && rows
                    .get(&key)
                    .is_some_and(|row| row.value.is_none() && row.since <= oldest)
            {
                rows.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use causeway_kernel::boundary::output::Write;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::file::format::Piece;
    use causeway_engine::MemoryRows;

    /// Calls `act` with writes as they are encoded in a file.
    fn with_rows(writes: &[Write], act: impl FnOnce(codec::Rows<'_>)) {
        let bytes = codec::encode(&Piece::Rows(writes.to_vec()));
        let Some(codec::View::Rows(rows)) = codec::view(&bytes) else {
            panic!("rows are rows");
        };
        act(rows);
    }

    fn write() -> impl Strategy<Value = Write> {
        let table = prop_oneof![Just(Table::Posts), Just(Table::Feed)];
        let value = proptest::option::of(vec(any::<u8>(), 0..3));
        // Includes a key that is not stored inline.
        let key = (0..6_u8, prop_oneof![Just(1_usize), Just(60)]);
        (table, key, value).prop_map(|(table, (byte, length), value)| Write {
            table,
            key: vec![byte; length],
            value,
        })
    }

    /// Writes of a step, as a kernel returns them: in ascending order of table and key, each key once.
    fn writes() -> impl Strategy<Value = Vec<Write>> {
        vec(write(), 0..6).prop_map(|mut writes| {
            writes.sort_by(|a, b| (a.table, &a.key).cmp(&(b.table, &b.key)));
            writes.dedup_by(|a, b| (a.table, &a.key) == (b.table, &b.key));
            writes
        })
    }

    fn check(history: &History, place: u64, expected: &MemoryRows) {
        use causeway_kernel::boundary::env::Rows;

        let rows = history.as_of(place);
        let keys: Vec<Vec<u8>> = (0..6_u8).flat_map(|it| [vec![it], vec![it; 60]]).collect();
        for table in [Table::Posts, Table::Feed, Table::Users] {
            assert_eq!(rows.get_many(table, &keys), expected.get_many(table, &keys));
            for (from, to, reverse) in [(0, 6, false), (1, 4, true), (4, 2, false)] {
                let range = env::Range {
                    from: vec![from],
                    to: vec![to],
                    reverse,
                    rows_max: 4,
                    bytes_max: 1_000,
                };
                let (found, expected) = (rows.scan(table, &range), expected.scan(table, &range));
                assert_eq!((found.rows, found.more), (expected.rows, expected.more));
            }
        }
    }

    proptest! {
        #[test]
        fn every_place_that_may_be_asked_for_has_its_rows(
            start in writes(),
            steps in vec((writes(), writes(), 0..3_u64, 0..3_u64), 1..12),
        ) {
            let memory = Budget::of(u64::MAX);
            let history = History::new(2, memory.clone());
            let mut follower = Follower::new(&history);
            let mut rows = MemoryRows::default();
            with_rows(&start, |encoded| follower.rows(0, encoded));
            rows.apply(&start);
            let mut asked = [0, 0];
            let mut places = Vec::new();
            // Thread 0 carries out its steps; no thread has taken those from the other number on.
            history.goes_on(0, 0);
            let untaken = |place: u64| {
                history.take(1, place..place);
                history.rest(1);
            };
            for (place, (ahead, writes, one, two)) in (0..).zip(&steps) {
                // Partial sessions contain rows that omitted entries have changed.
                if place > 0 {
                    with_rows(ahead, |encoded| follower.rows(place, encoded));
                    rows.apply(ahead);
                }
                places.push(rows.clone());
                with_rows(writes, |encoded| follower.step(place, encoded));
                rows.apply(writes);
                for (thread, further) in [(0, one), (1, two)] {
                    for place in asked[thread]..=place {
                        check(&history, place, &places[place as usize]);
                    }
                    asked[thread] = (asked[thread] + further).min(place);
                }
                history.goes_on(0, asked[0]);
                untaken(asked[1]);
            }
            prop_assert_eq!(history.digest(), rows.digest());
            history.rest(0);
            untaken(u64::MAX);
            // Delete all rows; all versions must be dropped.
            places.push(rows);
            let all: Vec<Write> = places
                .iter()
                .flat_map(MemoryRows::all)
                .map(|(table, key, _)| Write { table, key: key.to_vec(), value: None })
                .collect();
            with_rows(&all, |encoded| follower.step(steps.len() as u64, encoded));
            with_rows(&[], |encoded| follower.step(steps.len() as u64 + 1, encoded));
            let left = Table::ALL.iter().filter_map(|it| Some(history.read(*it)?.len()));
            prop_assert_eq!(left.sum::<usize>(), 0);
        }
    }
}
