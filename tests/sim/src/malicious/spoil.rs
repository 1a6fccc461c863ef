//! Corrupts the structure of a message, in at most one way at a time.

use serde_json::{Value, json};

use super::Mallory;
use super::grammar::Production as P;

/// Nesting depth that exceeds all limits.
const DEPTH: usize = 1_000;

/// Placeholder for invalid UTF-8.
const MARK: &str = "\u{fdd0}";

impl Mallory {
    /// The bytes of a message, with its structure possibly corrupted.
    pub(super) fn spoil(&mut self, mut frame: Value) -> Vec<u8> {
        if !self.dice.chance(250) {
            return bytes(&frame.to_string());
        }
        let list = [
            (P::MissingField, 10),
            (P::ExtraField, 10),
            (P::WrongType, 10),
            (P::DuplicateKey, 10),
            (P::MixedCaseKey, 10),
            (P::DeepNesting, 5),
            (P::BrokenJson, 5),
        ];
        let kind = self.one_of(&list);
        match kind {
            P::DuplicateKey => {
                let text = frame.to_string();
                return bytes(&text.replacen("\"id\":", "\"id\":\"first\",\"id\":", 3));
            }
            P::BrokenJson => {
                let text = frame.to_string();
                let kept = self.dice.below(text.len() as u64) as usize;
                let mut cut = bytes(&text);
                cut.truncate(kept);
                return cut;
            }
            P::DeepNesting => {
                let deep = format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
                let text = frame.to_string();
                return bytes(&text.replacen("\"props\":{}", &format!("\"props\":{deep}"), 1));
            }
            _ => {}
        }
        let fields = count(&frame);
        let mut at = self.dice.below(fields);
        change(&mut frame, &mut at, kind);
        bytes(&frame.to_string())
    }
}

/// The bytes of a text, with the placeholder replaced by invalid UTF-8.
fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut parts = text.split(MARK);
    out.extend(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        out.extend([0xff, 0xc0, 0xed, 0xa0, 0x80]);
        out.extend(part.as_bytes());
    }
    out
}

fn count(value: &Value) -> u64 {
    match value {
        Value::Object(map) => map.values().map(|value| 1 + count(value)).sum(),
        Value::Array(list) => list.iter().map(count).sum(),
        _ => 0,
    }
}

/// Changes the n-th field; counts down to it.
fn change(value: &mut Value, at: &mut u64, kind: P) -> bool {
    match value {
        Value::Object(map) => {
            let keys: Vec<String> = map.keys().cloned().collect();
            for key in keys {
                if *at == 0 {
                    change_field(map, &key, kind);
                    return true;
                }
                *at -= 1;
                if map
                    .get_mut(&key)
                    .is_some_and(|value| change(value, at, kind))
                {
                    return true;
                }
            }
            false
        }
        Value::Array(list) => list.iter_mut().any(|value| change(value, at, kind)),
        _ => false,
    }
}

fn change_field(map: &mut serde_json::Map<String, Value>, key: &str, kind: P) {
    match kind {
        P::MissingField => {
            map.remove(key);
        }
        P::WrongType => {
            let other = match &map[key] {
                Value::String(_) => json!(7),
                Value::Number(_) => json!({"a": [1.5e308]}),
                Value::Array(_) | Value::Object(_) => json!("text"),
                _ => json!([]),
            };
            map.insert(key.to_string(), other);
        }
        P::MixedCaseKey => {
            if let Some(value) = map.remove(key) {
                let letters = key.chars().enumerate();
                let mixed = letters.map(|(at, letter)| match at % 2 {
                    0 => letter.to_ascii_uppercase(),
                    _ => letter,
                });
                map.insert(mixed.collect(), value);
            }
        }
        _ => {
            map.insert("is_system_admin".to_string(), json!(true));
        }
    }
}
