//! The next release: a kernel with habits that a later release may have and that nobody
//! may notice. Its rows have one more field at the end, its rounds are short, and its messages are
//! written in another order, with a field that the current reader does not know.

use std::collections::BTreeMap;

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{Host, LogLevel, Range, Rows, Scan, StepContext};
use causeway_kernel::boundary::output::{Effect, Write};
use causeway_kernel::boundary::policy::{Question, Verdict};
use causeway_kernel::rows::key::RowKey;
use causeway_kernel::rows::table::Table;
use serde_json::value::{RawValue, to_raw_value};

use crate::kernel::{Kernel, StepBytes};

/// The field at the end of a row; the current reader stops before it.
const FIELD: &[u8] = b"\xeenext";

/// Tables whose rows have the field.
const WIDER: [Table; 4] = [Table::Posts, Table::Users, Table::Links, Table::Connections];

/// Entries of the feed that it reads at once.
const FEED_ROWS_MAX: u32 = 2;

/// See the module.
pub struct Next(pub Box<dyn Kernel>);

impl Kernel for Next {
    fn step(
        &mut self,
        host: &dyn Host,
        context: StepContext,
        input: &[u8],
    ) -> Result<StepBytes, String> {
        let mut output = self.0.step(&View(host), context, input)?;
        output.writes.retain_mut(|write| widen(host, write));
        for effect in &mut output.effects {
            reword(effect)?;
        }
        Ok(output)
    }
}

/// Adds the field to a row; returns whether the row differs from the stored one. A row that
/// differs only in its layout is not rewritten.
fn widen(host: &dyn Host, write: &mut Write) -> bool {
    let Some(value) = write
        .value
        .as_mut()
        .filter(|_| WIDER.contains(&write.table))
    else {
        return true;
    };
    let mut is_same = false;
    host.look(write.table, RowKey::from_bytes(&write.key), &mut |old| {
        is_same = old.map(bare) == Some(value.as_slice());
    });
    value.extend_from_slice(FIELD);
    !is_same
}

/// Whether a row was stored by this release.
#[must_use]
pub fn is_of_next(row: &[u8]) -> bool {
    row.ends_with(FIELD)
}

fn bare(row: &[u8]) -> &[u8] {
    row.strip_suffix(FIELD).unwrap_or(row)
}

fn reword(effect: &mut Vec<u8>) -> Result<(), String> {
    let decoded = codec::decode_effect(effect).map_err(|error| error.to_string())?;
    let Effect::Send {
        connection,
        attempt,
        frame,
    } = decoded
    else {
        return Ok(());
    };
    let frame = reworded(&frame).map_err(|error| error.to_string())?;
    *effect = codec::encode_effect(&Effect::Send {
        connection,
        attempt,
        frame,
    });
    Ok(())
}

/// An object, by member name; the values stay as written.
type Members<'f> = BTreeMap<&'f str, &'f RawValue>;

/// A frame whose own fields, and those of its message and its payload, are in another order.
fn reworded(frame: &[u8]) -> serde_json::Result<Vec<u8>> {
    let mut outer: Members<'_> = serde_json::from_slice(frame)?;
    let mut message: Members<'_> = match outer.get("msg") {
        Some(message) => serde_json::from_str(message.get())?,
        None => Members::new(),
    };
    let payload: Option<Members<'_>> = match message.get("payload") {
        Some(payload) => serde_json::from_str(payload.get())?,
        None => None,
    };
    let payload = to_raw_value(&payload)?;
    message.insert("payload", &payload);
    let release = RawValue::from_string(r#"{"name":"next"}"#.to_string())?;
    message.insert("release", &release);
    let message = to_raw_value(&message)?;
    outer.insert("msg", &message);
    serde_json::to_vec(&outer)
}

/// Rows as its own code sees them: without the field, whichever release wrote them.
struct View<'h>(&'h dyn Host);

impl Rows for View<'_> {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        let found = self.0.get_many(table, keys).into_iter();
        found
            .map(|row| row.map(|row| bare(&row).to_vec()))
            .collect()
    }

    fn look(&self, table: Table, key: RowKey, see: &mut dyn FnMut(Option<&[u8]>)) {
        self.0.look(table, key, &mut |row| see(row.map(bare)));
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        let mut range = range.clone();
        if table == Table::Feed {
            range.rows_max = range.rows_max.min(FEED_ROWS_MAX);
        }
        let mut scan = self.0.scan(table, &range);
        for (_, row) in &mut scan.rows {
            row.truncate(bare(row).len());
        }
        scan
    }
}

impl Host for View<'_> {
    fn ask(&self, questions: &[Question<'_>]) -> Vec<Verdict> {
        self.0.ask(questions)
    }

    fn log(&self, level: LogLevel, message: String) {
        self.0.log(level, message);
    }
}
