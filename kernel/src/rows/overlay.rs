//! Written rows over the stored ones: reads see the written rows; the stored rows do not change.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::boundary::env::{Range, Rows, Scan};
use crate::boundary::output::Write;
use crate::rows::key::RowKey;
use crate::rows::table::Table;

/// The table and key of a row.
type RowAddress = (Table, RowKey);

/// A row that was read or written.
struct Row {
    /// Whether it was written. A value read there before is not kept: after [`Overlay::clear`] it is read
    /// again.
    is_written: bool,
    /// `None` = the row does not exist.
    value: Option<Vec<u8>>,
}

/// Rows that were read or written, over rows that do not change in the meantime.
pub struct Overlay<'a> {
    below: &'a dyn Rows,
    /// Each row below is fetched once.
    rows: RefCell<BTreeMap<RowAddress, Row>>,
}

impl<'a> Overlay<'a> {
    /// An empty overlay over `below`.
    pub fn new(below: &'a dyn Rows) -> Overlay<'a> {
        Overlay {
            below,
            rows: RefCell::default(),
        }
    }

    /// Writes a row; `None` deletes it.
    pub fn write(&self, table: Table, key: RowKey, value: Option<Vec<u8>>) {
        let row = Row {
            is_written: true,
            value,
        };
        self.rows.borrow_mut().insert((table, key), row);
    }

    /// Fetches those of these rows that are not cached yet, in one call.
    pub fn fetch(&self, table: Table, keys: Vec<RowKey>) {
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
        let found = self.below.get_many(table, &keys).into_iter();
        rows.extend(missing.into_iter().zip(found.map(|value| Row {
            is_written: false,
            value,
        })));
    }

    /// Forgets every row.
    pub fn clear(&mut self) {
        self.rows.get_mut().clear();
    }

    /// The written rows, by table and key.
    pub fn into_writes(self) -> Vec<Write> {
        let rows = self.rows.into_inner().into_iter();
        rows.filter(|(_, row)| row.is_written)
            .map(|((table, key), row)| Write {
                table,
                key: key.into_vec(),
                value: row.value,
            })
            .collect()
    }
}

impl Rows for Overlay<'_> {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        let keys: Vec<RowKey> = keys.iter().map(|key| RowKey::from_bytes(key)).collect();
        self.fetch(table, keys.clone());
        let rows = self.rows.borrow();
        let value = |key| rows.get(&(table, key))?.value.clone();
        keys.into_iter().map(value).collect()
    }

    fn look(&self, table: Table, key: RowKey, see: &mut dyn FnMut(Option<&[u8]>)) {
        let place = (table, key);
        let mut rows = self.rows.borrow_mut();
        if let Some(row) = rows.get(&place) {
            return see(row.value.as_deref());
        }
        let mut value = None;
        self.below.look(table, place.1.clone(), &mut |bytes| {
            value = bytes.map(<[u8]>::to_vec);
        });
        see(value.as_deref());
        let is_written = false;
        rows.insert(place, Row { is_written, value });
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
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
        merge(own, range, |range| self.below.scan(table, range))
    }
}

/// A written row; `None` = deleted.
type Own<'a> = (&'a [u8], Option<&'a [u8]>);

/// Merges written rows into a scan of the rows below.
fn merge(mut own: Vec<Own<'_>>, range: &Range, below: impl Fn(&Range) -> Scan) -> Scan {
    if own.is_empty() {
        return below(range);
    }
    if range.reverse {
        own.reverse();
    }
    // Every deletion in the overlay may hide one row below, so request that many more.
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
                // The rows below are unknown beyond a cut scan: stop there.
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
