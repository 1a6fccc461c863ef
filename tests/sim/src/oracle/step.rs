//! Checks of a single step, as soon as it is executed: by its input, the rows
//! before and after, and its output.

use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Write;
use causeway_kernel::rows::table::Lifetime;
use causeway_kernel::rows::tx::Record;

use super::{Violation, bounded, error_paths, inert, pictures, roles, statuses};
use crate::node::Carried;
use causeway_kernel::rows::memory::Tables;

/// An executed step.
pub struct Step<'s> {
    /// The node.
    pub node: usize,
    /// Its input.
    pub input: &'s Input,
    /// Its result.
    pub carried: &'s Carried,
    /// The rows after it.
    pub rows: &'s Tables,
}

impl Step<'_> {
    /// Judges it.
    ///
    /// # Errors
    /// The first promise that it broke.
    pub fn judge(&self) -> Result<(), Violation> {
        inert::check(self)?;
        roles::check(self)?;
        statuses::check(self)?;
        pictures::check(self)?;
        error_paths::check(self)?;
        bounded::check(self)
    }

    /// Rows that it wrote, each with its earlier bytes.
    pub fn changes(&self) -> impl Iterator<Item = (&Write, Option<&Vec<u8>>)> {
        let old = self.carried.old.iter().map(Option::as_ref);
        self.carried.writes.iter().zip(old)
    }

    /// Rows of a record that it put: the key's bytes, the earlier row, and the new one.
    pub fn put<R: Record>(&self) -> impl Iterator<Item = (&[u8], Option<R>, R)> {
        let of_table = |(write, _): &(&Write, _)| write.table == R::TABLE;
        self.changes()
            .filter(of_table)
            .filter_map(|(write, old): (&Write, Option<&Vec<u8>>)| {
                let new = R::from_bytes(write.value.as_ref()?)?;
                let old = old.and_then(|bytes| R::from_bytes(bytes));
                Some((write.key.as_slice(), old, new))
            })
    }

    /// Rows that it deleted from tables whose rows are kept.
    pub fn takes_away_kept(&self) -> impl Iterator<Item = &Write> {
        let gone = |(write, old): &(&Write, Option<&Vec<u8>>)| {
            let is_kept = write.table.lifetime() == Lifetime::Kept;
            write.value.is_none() && old.is_some() && is_kept
        };
        self.changes().filter(gone).map(|(write, _)| write)
    }
}
