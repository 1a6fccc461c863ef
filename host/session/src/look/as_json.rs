//! Rows, replies and effects as JSON, for reading and for comparing field by field.

use causeway_engine::journal::{Digest, Digests};
use causeway_engine::runtime::{StepEnd, StepOutput};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::input::{FramePart, Input, Receipt, SendOutcome};
use causeway_kernel::boundary::output::{Effect, Reply, Write};
use causeway_kernel::rows::key::{self, KeyPart};
use causeway_kernel::rows::table::{Table, TableVisitor};
use causeway_kernel::rows::tx::Record;
use serde_json::{Map, Value, json};

/// Maximum bytes shown field by field; of longer values only length and digest. As JSON in memory they
/// take thirty times as much.
const SHOWN_BYTES_MAX: usize = 8 << 20;

/// A row's key as text, and its value; one that cannot be decoded as its version and bytes.
#[must_use]
pub fn row(table: Table, key: &[u8], value: &[u8]) -> (String, Value) {
    if key.len() + value.len() > SHOWN_BYTES_MAX {
        return (format!("{} bytes", key.len()), too_long(value));
    }
    table.visit(Row { key, value })
}

/// Replaces what is too long to be shown; equal for equal bytes.
fn too_long(bytes: &[u8]) -> Value {
    json!({"bytes": bytes.len(), "digest": Digest::of(bytes).to_string()})
}

/// A row to show.
struct Row<'r> {
    key: &'r [u8],
    value: &'r [u8],
}

impl TableVisitor for Row<'_> {
    type Out = (String, Value);

    fn rows<R: Record>(self) -> (String, Value) {
        let key = match key::decode::<R::Key>(self.key) {
            Some(key) => key.shown(),
            None => format!("{:?}", self.key),
        };
        let value = R::from_bytes(self.value).and_then(|row| serde_json::to_value(row).ok());
        let value = value.map(|value| with_version(value, self.value.first().copied(), R::VERSION));
        let unknown = || {
            let (version, body) = self.value.split_first().unzip();
            json!({"unknown": {"version": version, "bytes": body}})
        };
        (key, value.unwrap_or_else(unknown))
    }
}

/// A row's value, marked with its version if that is an older one, as its bytes differ from those of
/// the same row in the current version.
fn with_version(mut value: Value, version: Option<u8>, today: u8) -> Value {
    if let (Some(version), Some(fields)) =
        (version.filter(|it| *it != today), value.as_object_mut())
    {
        fields.insert("row version".into(), json!(version));
    }
    value
}

/// The result of a step.
#[must_use]
pub fn end(end: &StepEnd) -> Value {
    match end {
        StepEnd::Done(output) if output_bytes(output) > SHOWN_BYTES_MAX => {
            let digests = Digests::of(output);
            json!({
                "reply": {"bytes": output.reply.len(), "digest": digests.reply.to_string()},
                "writes": {"rows": output.writes.len(), "digest": digests.writes.to_string()},
                "effects": {"number": output.effects.len(), "digest": digests.effects.to_string()},
            })
        }
        StepEnd::Done(output) => json!({
            "reply": reply(&output.reply),
            "writes": writes(&output.writes),
            "effects": output.effects.iter().map(|it| effect(it)).collect::<Vec<_>>(),
        }),
        StepEnd::Stopped { kind, detail } => json!({
            "stopped": kind.to_string(),
            "detail": detail,
        }),
    }
}

fn output_bytes(output: &StepOutput) -> usize {
    let written = |write: &Write| write.key.len() + write.value.as_ref().map_or(0, Vec::len);
    let writes: usize = output.writes.iter().map(written).sum();
    output.reply.len() + writes + output.effects.iter().map(Vec::len).sum::<usize>()
}

/// An input, or why it cannot be decoded.
#[must_use]
pub fn input(bytes: &[u8]) -> Value {
    if bytes.len() > SHOWN_BYTES_MAX {
        return too_long(bytes);
    }
    match codec::decode_input(bytes) {
        Ok(Input::Frame {
            connection,
            body,
            skip,
        }) => json!({"Frame": {
            "connection": connection,
            "body": document(&body),
            "skip": skip,
        }}),
        Ok(Input::FramePart {
            connection,
            part: FramePart::Keep(body),
        }) => json!({"FramePart": {
            "connection": connection,
            "part": {"Keep": document(&body)},
        }}),
        Ok(Input::Quarantine {
            connection,
            body,
            reason,
        }) => json!({"Quarantine": {
            "connection": connection,
            "body": document(&body),
            "reason": reason,
        }}),
        Ok(Input::Receipt(Receipt {
            connection,
            attempt,
            outcome: SendOutcome::Answered(body),
        })) => json!({"Receipt": {
            "connection": connection,
            "attempt": attempt,
            "outcome": {"Answered": document(&body)},
        }}),
        Ok(input) => serde_json::to_value(input).unwrap_or_default(),
        Err(error) => json!({"unknown": error.to_string()}),
    }
}

/// Rows by table and key; a deleted one is `"deleted"`.
fn writes(writes: &[Write]) -> Value {
    let mut tables = Map::new();
    for Write { table, key, value } in writes {
        let (key, value) = match value {
            Some(value) => row(*table, key, value),
            None => (row(*table, key, &[]).0, json!("deleted")),
        };
        let rows = tables.entry(table.name()).or_insert_with(|| json!({}));
        if let Some(rows) = rows.as_object_mut() {
            rows.insert(key, value);
        }
    }
    Value::Object(tables)
}

/// A reply.
#[must_use]
pub fn reply(bytes: &[u8]) -> Value {
    match codec::decode_reply(bytes) {
        Ok(Reply::Http { status, body }) => json!({"Http": {
            "status": status,
            "body": document(&body),
        }}),
        Ok(reply) => serde_json::to_value(reply).unwrap_or_default(),
        Err(error) => json!(error.to_string()),
    }
}

/// An effect.
#[must_use]
pub fn effect(bytes: &[u8]) -> Value {
    match codec::decode_effect(bytes) {
        Ok(Effect::Send {
            connection,
            attempt,
            frame,
        }) => json!({"Send": {
            "connection": connection,
            "attempt": attempt,
            "frame": document(&frame),
        }}),
        Ok(effect) => serde_json::to_value(effect).unwrap_or_default(),
        Err(error) => json!(error.to_string()),
    }
}

/// Bytes as JSON if they can be parsed, else as text.
#[must_use]
pub fn document(bytes: &[u8]) -> Value {
    if bytes.len() > SHOWN_BYTES_MAX {
        return too_long(bytes);
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway_kernel::model::{NameRow, kind};

    #[test]
    fn a_row_of_an_unknown_version_is_shown_with_its_bytes() {
        let bytes = key::encode(&(kind::USERNAME, "anna".to_string()));
        let known = NameRow(7).to_bytes();
        assert_eq!(
            row(Table::Names, &bytes, &known),
            (r#"6, "anna""#.to_string(), json!(7))
        );
        let unknown = json!({"unknown": {"version": 9, "bytes": [7]}});
        assert_eq!(row(Table::Names, &bytes, &[9, 7]).1, unknown);
    }
}
