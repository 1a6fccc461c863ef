//! Tests a policy natively on a file of questions: one JSON object a line, with the names that
//! `wit/policy/policy.wit` uses.
//!
//! ```json
//! {"gate": "post-gate", "settings": "falcon", "question": {"message": "a falcon"}, "expect": {"deny": "banned-word"}}
//! ```
//!
//! | field | meaning |
//! |---|---|
//! | `gate` | the interface that is asked; without it, only the settings are checked |
//! | `settings` | the settings, a text or an object; without them, those of the line before |
//! | `crossing` | fields of the crossing that differ from [the usual ones](defaults) |
//! | `question` | fields of the question that differ from [the usual ones](defaults) |
//! | `expect` | `"allow"`; `{"deny": CODE}`; `{"revise": {…}}` with the fields that are replaced; `{"silence": […]}`; `{"refuse": TEXT}` if the settings are refused with an error that contains TEXT; `"configured"` if they are not |
//!
//! Empty lines and lines that begin with `//` are ignored.

pub mod defaults;
mod names;
mod schema;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

pub use schema::check_schema;

/// One line of a file.
pub struct Case {
    /// The gate that is asked.
    pub gate: String,
    crossing: Value,
    question: Value,
}

impl Case {
    /// Asks a gate's `decide`, which takes and returns the types that `wit-bindgen` generates with the derives
    /// `serde::Deserialize` and `serde::Serialize`.
    ///
    /// # Panics
    /// If the line is not such a question, or if a denial is not what the contract permits.
    pub fn ask<C, Q, A>(&self, decide: impl FnOnce(C, Q) -> A) -> Value
    where
        C: DeserializeOwned,
        Q: DeserializeOwned,
        A: Serialize,
    {
        let crossing = names::into_rust(self.crossing.clone());
        let question = names::into_rust(self.question.clone());
        let crossing = serde_json::from_value(crossing).expect("not a crossing");
        let question = serde_json::from_value(question).expect("not a question of this gate");
        let answer = serde_json::to_value(decide(crossing, question)).expect("not an answer");
        let answer = names::into_wit(answer);
        if let Some(denial) = answer.get("deny") {
            assert!(is_permitted(denial), "the contract forbids {denial}");
        }
        answer
    }
}

/// Checks every line of a file: `configure` is the policy's, and `ask` asks the gate that a case names, by
/// [`Case::ask`].
///
/// # Panics
/// With the line's number, at the first line that is wrong or is answered otherwise than it expects, and if
/// there is no line.
pub fn check(
    lines: &str,
    configure: impl Fn(String) -> Result<(), String>,
    ask: impl Fn(&Case) -> Value,
) {
    let mut checked = 0;
    for (number, line) in (1..).zip(lines.lines()) {
        if line.trim().is_empty() || line.starts_with("//") {
            continue;
        }
        let said = answer(line, &configure, &ask);
        let (expected, found) = said.unwrap_or_else(|what| panic!("line {number}: {what}"));
        let same = meets(&expected, &found);
        assert!(same, "line {number}: expected {expected}, found {found}");
        checked += 1;
    }
    assert_ne!(checked, 0, "the file has no questions");
}

/// What a line expects, and what the policy answers.
fn answer(
    line: &str,
    configure: impl Fn(String) -> Result<(), String>,
    ask: impl Fn(&Case) -> Value,
) -> Result<(Value, Value), String> {
    let mut line: Map<String, Value> =
        serde_json::from_str(line).map_err(|error| error.to_string())?;
    let expected = line.remove("expect").ok_or("it expects nothing")?;
    let settings = line.remove("settings").map(|settings| match settings {
        Value::String(text) => text,
        other => other.to_string(),
    });
    let gate = line.remove("gate");
    let crossing = line.remove("crossing").unwrap_or_else(|| json!({}));
    let question = line.remove("question").unwrap_or_else(|| json!({}));
    if let Some(unknown) = line.keys().next() {
        return Err(format!("unknown field {unknown:?}"));
    }
    if let Some(Err(refused)) = settings.map(configure) {
        return Ok((expected, json!({ "refuse": refused })));
    }
    let Some(gate) = gate else {
        return Ok((expected, "configured".into()));
    };
    let gate = gate.as_str().ok_or("the gate is not a text")?.to_owned();
    let usual = defaults::question(&gate).ok_or_else(|| format!("there is no {gate:?}"))?;
    let case = Case {
        crossing: defaults::merge(defaults::crossing(), crossing)?,
        question: defaults::merge(usual, question)?,
        gate,
    };
    Ok((expected, ask(&case)))
}

/// Whether a denial has the form that the contract demands.
fn is_permitted(denial: &Value) -> bool {
    let text = |field: &str| denial[field].as_str().unwrap_or_default();
    let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    let (code, words) = (text("code"), text("text"));
    (1..=64).contains(&code.len())
        && code.bytes().all(is_plain)
        && (1..=1_000).contains(&words.len())
}

/// Whether an answer is the expected one: of denials the code is compared, of refusals a part.
fn meets(expected: &Value, found: &Value) -> bool {
    if let Some(code) = expected.get("deny") {
        return found.pointer("/deny/code") == Some(code);
    }
    if let Some(part) = expected.get("refuse") {
        let (Some(part), Some(whole)) = (part.as_str(), found["refuse"].as_str()) else {
            return false;
        };
        return whole.contains(part);
    }
    expected == found
}

#[cfg(test)]
mod tests;
