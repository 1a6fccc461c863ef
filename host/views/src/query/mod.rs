//! Reads for the host: bounded, over the rows of a snapshot. [`authority`](causeway_kernel::authority)
//! decides beforehand who may see the result.

pub mod bots;
#[cfg(test)]
mod budget_tests;
pub mod categories;
pub mod channels;
pub mod components;
pub mod drafts;
pub mod emoji;
pub mod notifications;
mod order;
pub mod posts;
pub mod preferences;
pub mod saved;
pub mod sharing;
pub mod statuses;
pub mod teams;
#[cfg(test)]
mod tests;
pub mod threads;
pub mod unread;
pub mod user_list;
pub mod users;
pub mod versions;

use std::ops::ControlFlow;

use causeway_kernel::boundary::env::{Range, Rows};
use causeway_kernel::rows::key::{self, KeyPart};
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::{Read, Record, SCAN_BYTES_MAX};

/// Objects on a page if the client does not specify it. Client API §2.
pub const PER_PAGE_DEFAULT: u32 = 60;
/// Maximum objects on a page; a larger value is reduced to this, without an error. Client API §2.
pub const PER_PAGE_MAX: u32 = 200;
/// Maximum objects in a request by ids; the host refuses more.
pub const IDS_MAX: usize = 1_000;
/// Maximum rows that a read skips to reach its page; a page beyond is [`TooDeep`].
pub const OFFSET_ROWS_MAX: u64 = 100_000;
/// Maximum rows of a list without pages.
pub const LIST_ROWS_MAX: u32 = 10_000;
/// Maximum rows that a count counts; a larger range counts as this many.
pub const COUNT_ROWS_MAX: u64 = 100_000;
/// Rows requested at once.
const CHUNK_ROWS: u32 = 500;

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    page: u32,
    per_page: u32,
}

impl Page {
    /// A page, counted from 0. `per_page` of 0 means the default; above the maximum it is reduced.
    #[must_use]
    pub fn new(page: u32, per_page: u32) -> Page {
        let per_page = if per_page == 0 {
            PER_PAGE_DEFAULT
        } else {
            per_page
        };
        Page {
            page,
            per_page: per_page.min(PER_PAGE_MAX),
        }
    }

    /// Maximum objects on the page.
    #[must_use]
    pub fn per_page(self) -> usize {
        self.per_page as usize
    }

    /// Objects before the page.
    #[must_use]
    pub fn skip(self) -> u64 {
        u64::from(self.page) * u64::from(self.per_page)
    }

    /// The part of a whole list that is on the page.
    #[must_use]
    pub fn of<T>(self, list: Vec<T>) -> Vec<T> {
        let skip = usize::try_from(self.skip()).unwrap_or(usize::MAX);
        list.into_iter().skip(skip).take(self.per_page()).collect()
    }
}

/// The page is preceded by more rows than a read skips. It is not an empty page, which would mean that the
/// list ends before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooDeep;

/// Keys between two bounds, `from` inclusive and `to` exclusive, in one direction.
pub(crate) struct Walk {
    table: Table,
    from: Vec<u8>,
    to: Vec<u8>,
    reverse: bool,
}

impl Walk {
    /// All rows whose key starts with `prefix`.
    pub(crate) fn prefix<P: KeyPart>(table: Table, prefix: &P) -> Walk {
        let from = key::encode(prefix);
        let to = key::prefix_end(&from).unwrap_or_default();
        Walk {
            table,
            from,
            to,
            reverse: false,
        }
    }

    /// All rows of a table.
    pub(crate) fn all(table: Table) -> Walk {
        Walk {
            table,
            from: Vec::new(),
            to: Vec::new(),
            reverse: false,
        }
    }

    /// The rows from one key up to another one.
    pub(crate) fn between<K: KeyPart>(table: Table, from: &K, to: &K) -> Walk {
        Walk {
            table,
            from: key::encode(from),
            to: key::encode(to),
            reverse: false,
        }
    }

    /// Starting from the end of the range.
    pub(crate) fn reversed(self) -> Walk {
        Walk {
            reverse: true,
            ..self
        }
    }

    /// Only keys before `key`.
    pub(crate) fn before<K: KeyPart>(self, key: &K) -> Walk {
        Walk {
            to: key::encode(key),
            ..self
        }
    }

    /// Only keys after `key`.
    pub(crate) fn after<K: KeyPart>(self, key: &K) -> Walk {
        Walk {
            from: next_key(key::encode(key)),
            ..self
        }
    }

    /// Passes the rows to `visit`, at most `rows_max`, until it breaks.
    pub(crate) fn each(
        mut self,
        rows: &(impl Rows + ?Sized),
        rows_max: u64,
        mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) {
        let mut left = rows_max;
        while left > 0 {
            let rows_max = CHUNK_ROWS.min(u32::try_from(left).unwrap_or(CHUNK_ROWS));
            let range = Range {
                from: self.from.clone(),
                to: self.to.clone(),
                reverse: self.reverse,
                rows_max,
                bytes_max: SCAN_BYTES_MAX,
            };
            let found = rows.scan(self.table, &range);
            for (key, value) in &found.rows {
                if visit(key, value).is_break() {
                    return;
                }
            }
            let Some((last, _)) = found.rows.last() else {
                return;
            };
            if !found.more {
                return;
            }
            left = left.saturating_sub(found.rows.len() as u64);
            if self.reverse {
                self.to.clone_from(last);
            } else {
                self.from = next_key(last.clone());
            }
        }
    }

    /// Whether the walk ends within the number of rows that a read may skip.
    fn ends_early(self, rows: &(impl Rows + ?Sized)) -> bool {
        let mut passed = 0;
        self.each(rows, OFFSET_ROWS_MAX + 1, |_, _| {
            passed += 1;
            ControlFlow::Continue(())
        });
        passed <= OFFSET_ROWS_MAX
    }

    /// The keys of a page.
    pub(crate) fn keys<K: KeyPart>(
        self,
        rows: &(impl Rows + ?Sized),
        page: Page,
    ) -> Result<Vec<K>, TooDeep> {
        let mut out = Vec::new();
        let mut skip = page.skip();
        if skip > OFFSET_ROWS_MAX {
            return if self.ends_early(rows) {
                Ok(out)
            } else {
                Err(TooDeep)
            };
        }
        self.each(rows, skip + u64::from(page.per_page), |bytes, _| {
            if skip > 0 {
                skip -= 1;
            } else {
                out.extend(key::decode::<K>(bytes));
            }
            ControlFlow::Continue(())
        });
        Ok(out)
    }

    /// Rows, decoded, at most `rows_max`.
    pub(crate) fn records<R: Record>(
        self,
        rows: &(impl Rows + ?Sized),
        rows_max: u32,
    ) -> Vec<(R::Key, R)> {
        let mut out = Vec::new();
        self.each(rows, u64::from(rows_max), |bytes, value| {
            if let (Some(key), Some(row)) = (key::decode::<R::Key>(bytes), R::from_bytes(value)) {
                out.push((key, row));
            }
            ControlFlow::Continue(())
        });
        out
    }

    /// The number of rows, counted up to [`COUNT_ROWS_MAX`].
    pub(crate) fn count(self, rows: &(impl Rows + ?Sized)) -> u64 {
        let mut count = 0;
        self.each(rows, COUNT_ROWS_MAX, |_, _| {
            count += 1;
            ControlFlow::Continue(())
        });
        count
    }
}

/// The smallest key after `key`.
fn next_key(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

/// The rows of several numbers with their numbers, without those that do not exist.
pub(crate) fn existing<R: Record<Key = N>, N: KeyPart + Copy>(
    rows: &(impl Read + ?Sized),
    numbers: &[N],
) -> Vec<(N, R)> {
    let found = rows.get_all::<R>(numbers);
    numbers
        .iter()
        .zip(found)
        .filter_map(|(number, row)| Some((*number, row?)))
        .collect()
}

#[cfg(test)]
mod walk_tests {
    use super::*;
    use causeway_kernel::model::NameRow;
    use causeway_kernel::rows::id::UserNo;
    use causeway_kernel::rows::testing::MemoryHost;

    fn host(rows: u64) -> MemoryHost {
        let mut host = MemoryHost::new();
        let names: Vec<causeway_kernel::boundary::output::Write> = (0..rows)
            .map(|n| causeway_kernel::boundary::output::Write {
                table: Table::Names,
                key: key::encode(&(1u8, n)),
                value: Some(NameRow(n).to_bytes()),
            })
            .collect();
        host.apply(&names);
        host
    }

    #[test]
    fn pages_tile_a_list_of_several_chunks_and_end() {
        let host = host(1_203);
        let mut seen = Vec::new();
        for page in 0..8 {
            let keys: Vec<(u8, u64)> = Walk::prefix(Table::Names, &1u8)
                .keys(&host, Page::new(page, 200))
                .unwrap();
            seen.extend(keys.into_iter().map(|(_, n)| n));
        }
        assert_eq!(seen, (0..1_203).collect::<Vec<_>>());
    }

    #[test]
    fn reversed_walks_pass_chunk_borders_without_gap() {
        let host = host(1_203);
        let mut seen = Vec::new();
        Walk::prefix(Table::Names, &1u8)
            .reversed()
            .each(&host, 1_100, |key, _| {
                seen.extend(key::decode::<(u8, u64)>(key).map(|(_, n)| n));
                ControlFlow::Continue(())
            });
        assert_eq!(seen, (103..1_203).rev().collect::<Vec<_>>());
    }

    #[test]
    fn bounds_are_exclusive_on_both_sides() {
        let host = host(10);
        let inner: Vec<(u8, u64)> = Walk::prefix(Table::Names, &1u8)
            .after(&(1u8, 3u64))
            .before(&(1u8, 6u64))
            .keys(&host, Page::new(0, 9))
            .unwrap();
        assert_eq!(inner, vec![(1, 4), (1, 5)]);
        assert_eq!(Walk::all(Table::Names).count(&host), 10);
    }

    #[test]
    fn page_sizes_are_defaulted_and_cut() {
        assert_eq!(Page::new(2, 0).skip(), 120);
        assert_eq!(Page::new(0, 5_000).per_page(), 200);
        assert_eq!(Page::new(1, 2).of(vec![1, 2, 3, 4, 5]), vec![3, 4]);
        assert!(Page::new(u32::MAX, 200).of(vec![1]).is_empty());
        let nothing = existing::<causeway_kernel::model::User, _>(&host(0), &[UserNo(7)]);
        assert!(nothing.is_empty());
    }
}
