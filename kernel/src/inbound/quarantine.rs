//! Items and frames that could not be carried out are set aside with their bytes, for a person to inspect.

use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Range;
use crate::gate::shorten;
use crate::model::limits::{QUARANTINE_BYTES_MAX, QUARANTINE_MAX, QUARANTINE_PER_CONNECTION_MAX};
use crate::model::{QuarantineEntry, QuarantineShare};
use crate::rows::id::ConnectionNo;
use crate::rows::tx::{Read, Tx};

/// Sets bytes aside; the connection's oldest entry is deleted if there are too many.
pub fn set_aside(tx: &mut Tx<'_>, connection: ConnectionNo, bytes: &[u8], reason: &str) {
    let no = last_number(tx) + 1;
    let kept = bytes.get(..QUARANTINE_BYTES_MAX).unwrap_or(bytes);
    let entry = QuarantineEntry {
        connection,
        at_ms: tx.now_ms(),
        reason: shorten(reason.to_string()),
        bytes: kept.to_vec(),
    };
    tx.put(&no, &entry);
    if Behaviour::FrameParts.is_in_force(tx) {
        keep_share(tx, connection, no);
    } else if let Some(oldest) = no.checked_sub(u64::from(QUARANTINE_MAX)) {
        tx.delete::<QuarantineEntry>(&oldest);
    }
}

/// Entries of one connection never displace entries of another.
fn keep_share(tx: &mut Tx<'_>, connection: ConnectionNo, no: u64) {
    let mut share = tx.get::<QuarantineShare>(&connection).unwrap_or_default();
    share.numbers.push(no);
    if share.numbers.len() > QUARANTINE_PER_CONNECTION_MAX {
        let oldest = share.numbers.remove(0);
        tx.delete::<QuarantineEntry>(&oldest);
    }
    tx.put(&connection, &share);
}

fn last_number(tx: &Tx<'_>) -> u64 {
    let newest = Range {
        from: Vec::new(),
        to: Vec::new(),
        reverse: true,
        rows_max: 1,
        bytes_max: u32::MAX,
    };
    let rows = tx.rows::<QuarantineEntry>(&newest);
    rows.first().map_or(0, |(no, _)| *no)
}
