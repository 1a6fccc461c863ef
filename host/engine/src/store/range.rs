//! How a range bounds what is read, wherever the rows stand.

use std::ops::Bound;

use causeway_kernel::boundary::env::{Range, Scan};

/// Where a range begins and where it ends.
type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// The ends of a range; `None` when nothing can be in it.
pub fn bounds(range: &Range) -> Option<Bounds<'_>> {
    let from = Bound::Included(range.from.as_slice());
    if range.to.is_empty() {
        return Some((from, Bound::Unbounded));
    }
    (range.from < range.to).then_some((from, Bound::Excluded(range.to.as_slice())))
}

/// A key and what stands below it.
pub type LiveRow = (Vec<u8>, Vec<u8>);

/// Rows up to the limits of a range; the first one comes in any case.
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
