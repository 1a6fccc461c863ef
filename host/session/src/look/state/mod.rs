//! The state of a workspace after an entry of a session, as tables.

mod channel;
mod sharing;
mod table;
mod workspace;

pub use channel::{members, posts};
pub use sharing::{connections, links};
pub use table::{Cell, TextTable};
pub use workspace::{channels, counts, users};

use std::ops::ControlFlow;

use causeway_kernel::model::Channel;
use causeway_kernel::rows::id::ChannelNo;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::table::Table;

use super::as_json;
use super::walk::{Passed, walk};
use crate::file::{SessionError, SessionFile};
use causeway_engine::MemoryRows;

/// The rows after an entry.
#[derive(Debug)]
pub struct State {
    /// The last entry that they reflect: the requested one, or the last one before it that the
    /// session contains, or the one of the session's start.
    pub seq: u64,
    /// Time of that entry, in ms; `None` at the start.
    pub time_ms: Option<i64>,
    /// The rows.
    pub rows: MemoryRows,
    /// Whether they are only those that the session's steps have read and written.
    pub is_partial: bool,
    /// Damage of the file.
    pub damage: Vec<SessionError>,
}

impl State {
    /// The rows after entry `at`, or at the end.
    #[must_use]
    pub fn at(file: &SessionFile, at: Option<u64>) -> State {
        let (mut seq, mut time_ms) = (file.header().start.seq, None);
        let (rows, damage) = walk(file, at, |passed| {
            if let Passed::Step(seen) = passed {
                seq = seen.step.seq;
                time_ms = Some(seen.step.time_ms);
            }
            ControlFlow::Continue(())
        });
        State {
            seq,
            time_ms,
            rows,
            is_partial: file.header().selection.is_partial(),
            damage,
        }
    }

    /// A channel by its id or its URL name; if several have that name, the first.
    #[must_use]
    pub fn channel(&self, id_or_name: &str) -> Option<ChannelNo> {
        let named = || {
            let mut channels = self.rows.records::<Channel>();
            channels.find(|(_, row)| row.name == id_or_name)
        };
        lookup::channel(&self.rows, id_or_name).or_else(|| Some(named()?.0))
    }

    /// The raw rows of a table: key and value.
    pub fn raw(&self, table: Table) -> impl Iterator<Item = (String, serde_json::Value)> {
        let rows = self.rows.all().filter(move |row| row.0 == table);
        rows.map(|(table, key, value)| as_json::row(table, key, value))
    }
}

/// A table by its name, ignoring case.
#[must_use]
pub fn table_named(name: &str) -> Option<Table> {
    let mut all = Table::ALL.iter().copied();
    all.find(|table| table.name().eq_ignore_ascii_case(name))
}
