//! Names of the contract, and those that `wit-bindgen` makes of them: `time-ms` is `time_ms`, `open` is `Open`.

use serde_json::{Map, Value};

/// Fields that hold a case of an enum or a variant.
const CASES: [&str; 7] = [
    "direction",
    "kind",
    "home",
    "mark",
    "whom",
    "component",
    "act",
];

/// A question in the names of Rust.
pub(crate) fn into_rust(value: Value) -> Value {
    match value {
        Value::Array(list) => list.into_iter().map(into_rust).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| {
                let is_case = CASES.contains(&name.as_str());
                let value = if is_case {
                    case(value)
                } else {
                    into_rust(value)
                };
                (name.replace('-', "_"), value)
            });
            Value::Object(fields.collect())
        }
        other => other,
    }
}

/// A case of an enum or a variant in the names of Rust.
fn case(value: Value) -> Value {
    match value {
        Value::String(name) => Value::String(capitalized(&name)),
        Value::Object(content) => {
            let content = content.into_iter();
            let content = content.map(|(name, value)| (capitalized(&name), into_rust(value)));
            Value::Object(content.collect())
        }
        other => other,
    }
}

/// A name without hyphens whose words begin with capitals.
fn capitalized(name: &str) -> String {
    let capitalize = |word: &str| {
        let mut chars = word.chars();
        let first = chars.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(chars).collect::<String>()
    };
    name.split('-').map(capitalize).collect()
}

/// An answer in the names of the contract, without the fields that leave something unchanged.
pub(crate) fn into_wit(answer: Value) -> Value {
    match answer {
        Value::String(name) => Value::String(name.to_ascii_lowercase()),
        Value::Object(content) => {
            let content = content.into_iter();
            let content = content.map(|(name, value)| (name.to_ascii_lowercase(), changed(value)));
            Value::Object(content.collect())
        }
        other => other,
    }
}

fn changed(fields: Value) -> Value {
    let Value::Object(fields) = fields else {
        return fields;
    };
    let is_change =
        |value: &Value| !value.is_null() && value.as_array().is_none_or(|it| !it.is_empty());
    let kept = fields.into_iter().filter(|(_, value)| is_change(value));
    let renamed: Map<String, Value> = kept
        .map(|(name, value)| (name.replace('_', "-"), value))
        .collect();
    Value::Object(renamed)
}
