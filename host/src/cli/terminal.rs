//! Output to the terminal: text that others wrote, in a session file or at the other end of a connection,
//! must not control the terminal on which it is shown.

use std::fmt::Display;

use causeway_session::look::names::{printable, steers};
use serde::Serialize;
use serde_json::Value;

/// Prints a line.
pub fn line(text: impl Display) {
    println!("{}", printable(&text.to_string()));
}

/// Prints lines.
pub fn lines(text: impl Display) {
    text.to_string().split('\n').for_each(line);
}

/// Prints lines to standard error.
pub fn error(text: impl Display) {
    let text = text.to_string();
    text.split('\n')
        .for_each(|line| eprintln!("{}", printable(line)));
}

/// Prints a value as a line of JSON.
pub fn json(value: &Value) {
    println!("{}", escaped(&value.to_string()));
}

/// Prints a value as indented JSON.
///
/// # Errors
/// When it cannot be JSON.
pub fn pretty_json(value: &impl Serialize) -> serde_json::Result<()> {
    println!("{}", escaped(&serde_json::to_string_pretty(value)?));
    Ok(())
}

/// The same JSON without characters that control a terminal. They occur in strings only: between values there
/// are only line feeds, and `serde_json` has escaped all other ASCII control characters but one.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if character != '\n' && steers(character) {
            // All of them are in the Basic Multilingual Plane, so one escape is enough.
            out.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_stays_what_it_is_and_nothing_in_it_steers_a_terminal() {
        let value = json!({"\u{9b}2J": "a\u{7f}\u{202e}\u{1b}[31m\nü", "list": [1, 2]});
        for text in [
            escaped(&serde_json::to_string(&value).unwrap()),
            escaped(&serde_json::to_string_pretty(&value).unwrap()),
        ] {
            assert!(!text.chars().any(|it| it != '\n' && steers(it)), "{text}");
            assert!(text.contains('ü'));
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }
}
