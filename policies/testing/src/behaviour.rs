//! What the settings say, for all gates alike.

use std::cell::{Cell, RefCell};
use std::hint::black_box;

use crate::bindings::causeway::policy::context::{Decision, Denial};
use crate::bindings::causeway::policy::log::{self, Level};
use crate::smuggle::carry;

thread_local! {
    static SETTINGS: RefCell<String> = const { RefCell::new(String::new()) };
    static DECISIONS: Cell<u32> = const { Cell::new(0) };
}

pub fn configure(settings: String) {
    SETTINGS.set(settings);
}

/// The settings, unless they are empty.
pub fn settings() -> Option<String> {
    let settings = SETTINGS.with_borrow(String::clone);
    Some(settings).filter(|text| !text.is_empty())
}

/// What the settings say at a gate: a verb and what follows it.
pub fn verb_at(gate: &str) -> (String, String) {
    let settings = settings().unwrap_or_default();
    let split = |text: &str| {
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        (verb.to_owned(), rest.to_owned())
    };
    let (verb, rest) = split(&settings);
    if verb != "at" {
        return (verb, rest);
    }
    let (only, rest) = split(&rest);
    if only == gate {
        split(&rest)
    } else {
        split("allow")
    }
}

/// The decision for a verb at any gate: about something with this name, as a question that looks like this.
pub fn decide(
    (verb, rest): (&str, &str),
    name: &str,
    question: impl FnOnce() -> String,
) -> Decision {
    DECISIONS.set(DECISIONS.get() + 1);
    match verb {
        "deny" => deny(rest.to_owned()),
        "context" => deny(question()),
        "trap" => {
            assert!(name != rest, "as the settings say");
            Decision::Allow
        }
        "trap-at" => {
            assert!(
                DECISIONS.get() as usize != number(rest),
                "as the settings say"
            );
            Decision::Allow
        }
        "work" => {
            for round in 0..number(rest) {
                black_box(round);
            }
            panic!("as the settings say");
        }
        "loop" => loop {
            black_box(rest);
        },
        "grow" => {
            let mut held = Vec::new();
            loop {
                held.push(black_box(vec![1u8; 1 << 20]));
            }
        }
        "recurse" => deny(recurse(1).to_string()),
        "long" => deny("x".repeat(number(rest))),
        "count" => deny(DECISIONS.get().to_string()),
        "smuggle" => deny(carry(name)),
        "log" => {
            for line in 1..=number(rest) {
                log::write(Level::Info, &format!("line {line}"));
            }
            Decision::Allow
        }
        _ => Decision::Allow,
    }
}

fn deny(text: String) -> Decision {
    Decision::Deny(Denial {
        code: "testing".into(),
        text,
    })
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or(0)
}

#[allow(unconditional_recursion, reason = "it is meant to overflow the stack")]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    frame
        .iter()
        .sum::<u64>()
        .wrapping_add(recurse(depth.wrapping_add(1)))
}
