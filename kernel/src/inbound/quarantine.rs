//! What could not be carried out is set aside with its bytes, for a person to look at.

use crate::boundary::env::Range;
use crate::gate::shorten;
use crate::model::QuarantineEntry;
use crate::model::limits::{QUARANTINE_BYTES_MAX, QUARANTINE_MAX};
use crate::rows::id::ConnectionNo;
use crate::rows::tx::{Read, Tx};

/// Sets bytes aside; the oldest entry goes when there are too many. Entries are numbered without
/// gaps, so that the first number follows from the last.
pub fn set_aside(tx: &mut Tx<'_>, connection: ConnectionNo, bytes: &[u8], reason: &str) {
    let newest = Range {
        from: Vec::new(),
        to: Vec::new(),
        reverse: true,
        rows_max: 1,
        bytes_max: u32::MAX,
    };
    let last = tx
        .rows::<QuarantineEntry>(&newest)
        .first()
        .map_or(0, |(no, _)| *no);
    let no = last + 1;
    let kept = bytes.get(..QUARANTINE_BYTES_MAX).unwrap_or(bytes);
    let entry = QuarantineEntry {
        connection,
        at_ms: tx.now_ms(),
        reason: shorten(reason.to_string()),
        bytes: kept.to_vec(),
    };
    tx.put(&no, &entry);
    if let Some(oldest) = no.checked_sub(u64::from(QUARANTINE_MAX)) {
        tx.delete::<QuarantineEntry>(&oldest);
    }
}
