use serde::Deserialize;
use serde_json::json;

use super::*;

#[derive(Deserialize)]
struct Crossing {
    direction: Direction,
    time_ms: i64,
}

#[derive(Deserialize, PartialEq)]
enum Direction {
    Inbound,
    Outbound,
}

#[derive(Deserialize)]
struct Reaction {
    mark: Mark,
    author: Person,
}

#[derive(Deserialize)]
enum Mark {
    Emoji(String),
    Acknowledgement,
}

#[derive(Deserialize)]
struct Person {
    name: String,
    home: Home,
}

#[derive(Deserialize)]
enum Home {
    Here,
    Connected(Connection),
    Elsewhere,
}

#[derive(Deserialize)]
struct Connection {
    name: String,
}

#[derive(Serialize)]
enum Verdict {
    Allow,
    Deny {
        code: String,
        text: String,
    },
    Revise {
        first_name: Option<String>,
        email: Option<String>,
        texts: Vec<String>,
    },
}

/// Denies what somebody from elsewhere puts on a post, tells the rest in a revision.
fn decide(crossing: Crossing, reaction: Reaction) -> Verdict {
    let home = match reaction.author.home {
        Home::Here => "here".into(),
        Home::Connected(connection) => connection.name,
        Home::Elsewhere => {
            return Verdict::Deny {
                code: "elsewhere".into(),
                text: "no".into(),
            };
        }
    };
    if crossing.direction == Direction::Inbound {
        return Verdict::Allow;
    }
    let mark = match reaction.mark {
        Mark::Emoji(name) => name,
        Mark::Acknowledgement => "read".into(),
    };
    let said = format!(
        "{} {home} {mark} {}",
        reaction.author.name, crossing.time_ms
    );
    Verdict::Revise {
        first_name: Some(said),
        email: None,
        texts: vec![],
    }
}

fn run(line: &str) -> Result<(Value, Value), String> {
    let configure = |settings: String| match settings.as_str() {
        "bad" => Err("a bad word".to_owned()),
        _ => Ok(()),
    };
    answer(line, configure, |case| case.ask(decide))
}

fn holds(line: &str) -> bool {
    let (expected, found) = run(line).unwrap();
    meets(&expected, &found)
}

#[test]
fn a_line_says_what_differs_from_the_usual_question() {
    let usual =
        r#"{"gate": "reaction-gate", "expect": {"revise": {"first-name": "ann here thumbsup 0"}}}"#;
    assert!(holds(usual));
    let line = json!({
        "gate": "reaction-gate",
        "crossing": { "time-ms": 7 },
        "question": {
            "mark": "acknowledgement",
            "author": { "home": { "connected": { "id": "i", "name": "initech" } } },
        },
        "expect": { "revise": { "first-name": "ann initech read 7" } },
    });
    assert!(holds(&line.to_string()));
    let inbound =
        r#"{"gate": "reaction-gate", "crossing": {"direction": "inbound"}, "expect": "allow"}"#;
    assert!(holds(inbound));
    assert!(!holds(&inbound.replace("allow", "deny")));
}

#[test]
fn of_a_denial_the_code_is_compared_and_of_a_refusal_a_part() {
    let line = |code: &str| {
        let question = r#""question": {"author": {"home": "elsewhere"}}"#;
        format!(r#"{{"gate": "reaction-gate", {question}, "expect": {{"deny": "{code}"}}}}"#)
    };
    assert!(holds(&line("elsewhere")));
    assert!(!holds(&line("else")));
    assert!(holds(
        r#"{"settings": "bad", "expect": {"refuse": "bad word"}}"#
    ));
    assert!(!holds(
        r#"{"settings": "bad", "expect": {"refuse": "good"}}"#
    ));
    assert!(!holds(
        r#"{"settings": "good", "expect": {"refuse": "bad word"}}"#
    ));
    assert!(holds(r#"{"settings": {"a": 1}, "expect": "configured"}"#));
}

#[test]
fn a_denial_has_a_code_for_programs_and_words_for_people() {
    let permitted = |code: &str, text: &str| is_permitted(&json!({ "code": code, "text": text }));
    assert!(permitted("banned-word-2", "no"));
    assert!(!permitted("Banned", "no"));
    assert!(!permitted("", "no"));
    assert!(!permitted("x", ""));
    assert!(!permitted("x", &"x".repeat(1_001)));
    assert!(!permitted(&"x".repeat(65), "no"));
}

#[test]
fn a_line_with_a_mistake_is_no_question() {
    let wrong = |line: &str| run(line).unwrap_err();
    assert!(wrong(r#"{"gate": "reaction-gate"}"#).contains("expects nothing"));
    assert!(wrong(r#"{"gate": "garden-gate", "expect": "allow"}"#).contains("garden-gate"));
    assert!(wrong(r#"{"gaet": "post-gate", "expect": "allow"}"#).contains("gaet"));
    let misspelt = r#"{"gate": "reaction-gate", "question": {"makr": "x"}, "expect": "allow"}"#;
    assert!(wrong(misspelt).contains("makr"));
}

#[test]
#[should_panic(expected = "line 3: expected")]
fn the_first_line_that_is_answered_otherwise_is_named() {
    let lines = "// usual\n{\"expect\": \"configured\"}\n{\"expect\": \"allow\"}\n";
    check(lines, |_| Ok(()), |case| case.ask(decide));
}

#[test]
#[should_panic(expected = "takes any field")]
fn a_schema_that_takes_any_field_is_found() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": { "list": { "type": "array", "items": { "type": "object" } } },
        "examples": [{ "list": [] }],
    });
    check_schema(&schema.to_string(), |_| Ok(()));
}
