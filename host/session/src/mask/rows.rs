//! Masks rows of any table, through the texts that they define.

use causeway_kernel::rows::key;
use causeway_kernel::rows::table::{Table, TableVisitor};
use causeway_kernel::rows::tx::Record;

use super::{Mask, Unmaskable};

impl Mask {
    /// Masks the key and value of a row. A row of an older version is converted to the current one.
    ///
    /// # Errors
    /// If key or value cannot be decoded as a row of the table, or have a version that this release
    /// does not know.
    pub fn row(
        &self,
        table: Table,
        key: &[u8],
        value: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), Unmaskable> {
        let row = Row {
            mask: self,
            key,
            value,
        };
        table.visit(row).ok_or(Unmaskable(table))
    }
}

/// A row to mask.
struct Row<'r> {
    mask: &'r Mask,
    key: &'r [u8],
    value: &'r [u8],
}

impl TableVisitor for Row<'_> {
    type Out = Option<(Vec<u8>, Vec<u8>)>;

    fn rows<R: Record>(mut self) -> Self::Out {
        let mut key = key::decode::<R::Key>(self.key)?;
        R::key_texts(&mut key, &mut self.mask);
        let row = self.mask.masked(R::from_bytes(self.value)?);
        Some((key::encode(&key), row.to_bytes()))
    }
}
