//! Rows as of one step, for readers and for steps.

use std::iter::Peekable;
use std::panic::resume_unwind;
use std::sync::Arc;

use causeway_kernel::boundary::env::{Range, Rows, Scan};
use causeway_kernel::rows::table::Table;

use super::base::Base;
use super::error::TablesError;
use super::memory::{Content, MemoryTable};
use super::range::{LiveRow, limited};

/// The rows as of the last durable step. Cheap to create and clone; it should live for seconds at
/// most, as it keeps pages of the tables from being reused.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The rows.
    pub(crate) view: View,
    /// The last step that is visible.
    pub(crate) seq: u64,
}

/// The layers that rows are read from, newest first.
#[derive(Clone, Debug)]
pub struct View {
    /// Rows since the last freeze.
    pub fresh: Arc<MemoryTable>,
    /// Rows that are being written to the tables.
    pub frozen: Option<Arc<MemoryTable>>,
    /// The tables on disk.
    pub base: Arc<Base>,
}

/// A row of one layer, which hides the same row of lower layers; `None` = deleted.
type Row = (Vec<u8>, Option<Vec<u8>>);

impl View {
    /// The rows of tables on disk, with empty layers above.
    #[must_use]
    pub fn of(base: Arc<Base>) -> View {
        View {
            fresh: Arc::default(),
            frozen: None,
            base,
        }
    }

    /// The values of keys as of a step.
    ///
    /// # Errors
    /// If the tables cannot be read.
    pub fn get_many(
        &self,
        seq: u64,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, TablesError> {
        let fresh = self.fresh.content();
        let frozen = self.frozen.as_deref().map(MemoryTable::content);
        let in_memory = |key: &[u8]| {
            fresh
                .get(table, key, seq)
                .or_else(|| frozen.as_ref()?.get(table, key, seq))
        };
        keys.iter()
            .map(|key| match in_memory(key) {
                Some(known) => Ok(known.map(<[u8]>::to_vec)),
                None => self.base.get(table, key),
            })
            .collect()
    }

    /// The rows of a range as of a step.
    ///
    /// # Errors
    /// If the tables cannot be read.
    pub fn scan(&self, seq: u64, table: Table, range: &Range) -> Result<Scan, TablesError> {
        let fresh = self.fresh.content();
        let frozen = self.frozen.as_deref().map(MemoryTable::content);
        let mut sources = vec![memory_rows(&fresh, table, range, seq)];
        if let Some(frozen) = &frozen {
            sources.push(memory_rows(frozen, table, range, seq));
        }
        let base = self.base.range(table, range)?;
        let base = base.map(|row| row.map(|(key, value)| (key, Some(value))));
        sources.push((Box::new(base) as RowSource<'_>).peekable());
        collect(sources, range)
    }

    /// Calls `each` for every row of a table as of a step, reading in batches.
    ///
    /// # Errors
    /// If the tables cannot be read; also those of `each`.
    pub fn all_rows<E: From<TablesError>>(
        &self,
        seq: u64,
        table: Table,
        mut each: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut range = Range {
            from: Vec::new(),
            to: Vec::new(),
            reverse: false,
            rows_max: 1_000,
            bytes_max: 1 << 20,
        };
        loop {
            let scan = self.scan(seq, table, &range)?;
            for (key, value) in &scan.rows {
                each(key, value)?;
            }
            match scan.rows.into_iter().next_back() {
                Some((mut last, _)) if scan.more => {
                    last.push(0);
                    range.from = last;
                }
                _ => return Ok(()),
            }
        }
    }
}

type RowSource<'a> = Box<dyn Iterator<Item = Result<Row, TablesError>> + 'a>;
type Source<'a> = Peekable<RowSource<'a>>;

fn memory_rows<'a>(content: &'a Content, table: Table, range: &Range, seq: u64) -> Source<'a> {
    let rows = content.range(table, range, seq);
    let owned = rows.map(|(key, value)| Ok((key.to_vec(), value.map(<[u8]>::to_vec))));
    (Box::new(owned) as RowSource<'a>).peekable()
}

/// Merges sources; an earlier source hides the same key in later ones.
fn collect(mut sources: Vec<Source<'_>>, range: &Range) -> Result<Scan, TablesError> {
    let rows = std::iter::from_fn(|| next_live(&mut sources, range.reverse).transpose());
    limited(rows, range)
}

/// The next row that is not deleted.
fn next_live(sources: &mut [Source<'_>], reverse: bool) -> Result<Option<LiveRow>, TablesError> {
    while let Some((key, value)) = next_row(sources, reverse)? {
        if let Some(value) = value {
            return Ok(Some((key, value)));
        }
    }
    Ok(None)
}

fn next_row(sources: &mut [Source<'_>], reverse: bool) -> Result<Option<Row>, TablesError> {
    let mut first: Option<Vec<u8>> = None;
    for source in &mut *sources {
        match source.peek() {
            Some(Ok((key, _))) => {
                let is_first = first
                    .as_ref()
                    .is_none_or(|first| if reverse { key > first } else { key < first });
                if is_first {
                    first = Some(key.clone());
                }
            }
            Some(Err(_)) => match source.next() {
                Some(Err(error)) => return Err(error),
                _ => return Ok(None),
            },
            None => {}
        }
    }
    let Some(first) = first else {
        return Ok(None);
    };
    let mut found = None;
    for source in sources {
        let has_it = |row: &Result<Row, TablesError>| matches!(row, Ok((key, _)) if *key == first);
        if let Some(Ok(row)) = source.next_if(has_it)
            && found.is_none()
        {
            found = Some(row);
        }
    }
    Ok(found)
}

/// If the tables cannot be read, the thread of the reader is unwound, as no correct answer is
/// possible.
fn must<T>(read: Result<T, TablesError>) -> T {
    read.unwrap_or_else(|error| {
        // Damage has already been logged.
        if !error.is_damage() {
            tracing::error!(%error, "cannot read the tables");
        }
        resume_unwind(Box::new(error.to_string()))
    })
}

impl Rows for Snapshot {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        must(self.view.get_many(self.seq, table, keys))
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        must(self.view.scan(self.seq, table, range))
    }
}

impl Snapshot {
    /// Number of the last step that is visible.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }
}
