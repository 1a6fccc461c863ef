//! Differences between a step's result and the recording, field by field, and grouped by cause.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::as_json;
use super::names::printable;
use crate::file::format::Step;
use causeway_engine::journal::InputKind;
use causeway_engine::runtime::StepEnd;

/// Maximum fields listed for one difference; the rest is counted.
const FIELDS_MAX: usize = 200;
/// Maximum bytes shown of a value, and of a path.
const VALUE_BYTES_MAX: usize = 160;
/// Maximum causes counted separately; further ones are counted together.
const CAUSES_MAX: usize = 1_000;

/// A step whose result differs from the recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepDifference {
    /// Number of the entry.
    pub seq: u64,
    /// Its time, in ms.
    pub time_ms: i64,
    /// The kind of input.
    pub kind: InputKind,
    /// Fields with both values.
    pub fields: Vec<FieldDifference>,
    /// Number of further fields.
    pub more: usize,
}

/// A field that is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDifference {
    /// Its path, e.g. `writes.Posts.12.message`.
    pub path: String,
    /// Its recorded value; `None` = missing.
    pub recorded: Option<String>,
    /// Its value in the replay; `None` = missing.
    pub found: Option<String>,
}

impl fmt::Display for FieldDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "(nothing)".into());
        writeln!(f, "  {}", self.path)?;
        writeln!(f, "    recorded  {}", side(&self.recorded))?;
        write!(f, "    found     {}", side(&self.found))
    }
}

impl fmt::Display for StepDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} ({:?}) differs:", self.seq, self.kind)?;
        for field in &self.fields {
            write!(f, "\n{field}")?;
        }
        if self.more > 0 {
            write!(f, "\n  and {} more fields", self.more)?;
        }
        Ok(())
    }
}

impl StepDifference {
    /// Compares the result of a step with the recording.
    #[must_use]
    pub fn new(step: &Step, found: &StepEnd) -> StepDifference {
        StepDifference::of_values(step, &as_json::end(&step.end), &as_json::end(found))
    }

    /// A difference that is not a field of the output.
    #[must_use]
    pub fn about(step: &Step, path: &str, recorded: &str, found: &str) -> StepDifference {
        StepDifference {
            fields: vec![FieldDifference {
                path: path.into(),
                recorded: Some(recorded.into()),
                found: Some(found.into()),
            }],
            ..StepDifference::of_values(step, &Value::Null, &Value::Null)
        }
    }

    fn of_values(step: &Step, recorded: &Value, found: &Value) -> StepDifference {
        let mut fields = Vec::new();
        compare("", Some(recorded), Some(found), &mut fields);
        let more = fields.len().saturating_sub(FIELDS_MAX);
        fields.truncate(FIELDS_MAX);
        StepDifference {
            seq: step.seq,
            time_ms: step.time_ms,
            kind: step.kind,
            fields,
            more,
        }
    }

    /// What differences with the same cause have in common: the kind of input and the fields, without
    /// row numbers and list positions.
    #[must_use]
    pub fn cause(&self) -> String {
        let fields: BTreeSet<String> = self.fields.iter().map(|it| general(&it.path)).collect();
        let fields: Vec<String> = fields.into_iter().collect();
        format!("{:?}: {}", self.kind, fields.join(", "))
    }
}

/// A path without numbers and row keys.
fn general(path: &str) -> String {
    let is_special = |part: &str| part.chars().any(|c| c.is_ascii_digit());
    let parts = path
        .split('.')
        .map(|part| if is_special(part) { "*" } else { part });
    parts.collect::<Vec<_>>().join(".")
}

fn compare(
    path: &str,
    recorded: Option<&Value>,
    found: Option<&Value>,
    out: &mut Vec<FieldDifference>,
) {
    if recorded == found {
        return;
    }
    match (recorded, found) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                compare(&below(path, key), a.get(key), b.get(key), out);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for at in 0..a.len().max(b.len()) {
                compare(&below(path, &at.to_string()), a.get(at), b.get(at), out);
            }
        }
        _ => out.push(FieldDifference {
            path: shortened(path.into()),
            recorded: recorded.map(|it| shortened(it.to_string())),
            found: found.map(|it| shortened(it.to_string())),
        }),
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.into()
    } else {
        format!("{path}.{key}")
    }
}

/// A text of a session on one line, shortened.
fn shortened(text: String) -> String {
    let bytes = text.len();
    if bytes <= VALUE_BYTES_MAX {
        return printable(&text);
    }
    let end = text.floor_char_boundary(VALUE_BYTES_MAX);
    let start = printable(text.get(..end).unwrap_or_default());
    format!("{start}… ({bytes} bytes)")
}

/// Differences with the same cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What they have in common.
    pub cause: String,
    /// Number of steps.
    pub steps: u64,
    /// The first difference.
    pub first: StepDifference,
}

/// Differences, grouped by cause.
#[derive(Clone, Debug, Default)]
pub struct Groups(BTreeMap<String, (u64, StepDifference)>);

impl Groups {
    /// Counts a difference.
    pub fn add(&mut self, difference: StepDifference) {
        self.count(difference.cause(), 1, difference);
    }

    /// Adds the differences of another part of the session.
    pub fn merge(&mut self, other: Groups) {
        for (cause, (steps, first)) in other.0 {
            self.count(cause, steps, first);
        }
    }

    fn count(&mut self, cause: String, steps: u64, first: StepDifference) {
        let is_counted = self.0.len() < CAUSES_MAX || self.0.contains_key(&cause);
        let cause = if is_counted {
            cause
        } else {
            "other causes".into()
        };
        let group = self.0.entry(cause).or_insert_with(|| (0, first.clone()));
        group.0 += steps;
        if first.seq < group.1.seq {
            group.1 = first;
        }
    }

    /// The groups, the most frequent first.
    #[must_use]
    pub fn into_list(self) -> Vec<Group> {
        let mut list: Vec<Group> = self
            .0
            .into_iter()
            .map(|(cause, (steps, first))| Group {
                cause,
                steps,
                first,
            })
            .collect();
        list.sort_by_key(|group| (std::cmp::Reverse(group.steps), group.first.seq));
        list
    }
}
