//! Applies a range's bounds and limits, independently of where the rows are stored.

use std::ops::Bound;

use causeway_kernel::boundary::env::{Range, Scan};

/// Start and end of a range.
type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// The bounds of a range; `None` if it is empty.
pub fn bounds(range: &Range) -> Option<Bounds<'_>> {
    let from = Bound::Included(range.from.as_slice());
    if range.to.is_empty() {
        return Some((from, Bound::Unbounded));
    }
    (range.from < range.to).then_some((from, Bound::Excluded(range.to.as_slice())))
}

/// A key and its value.
pub type LiveRow = (Vec<u8>, Vec<u8>);

/// Rows up to the limits of a range; the first one is returned whatever its size.
pub fn limited<E>(
    rows: impl Iterator<Item = Result<LiveRow, E>>,
    range: &Range,
) -> Result<Scan, E> {
    let mut out = Scan::default();
    let mut bytes = 0;
    for row in rows {
        let (key, value) = row?;
        bytes += key.len() + value.len();
        let is_full = out.rows.len() >= range.rows_max as usize
            || (!out.rows.is_empty() && bytes > range.bytes_max as usize);
        if is_full {
            out.more = true;
            break;
        }
        out.rows.push((key, value));
    }
    Ok(out)
}
