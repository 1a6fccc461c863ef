//! A policy for tests, controlled by its settings.
//!
//! | settings | behaviour |
//! |---|---|
//! | `allow` | allows |
//! | `deny TEXT` | denies with the reason TEXT |
//! | `append TEXT` | revises: TEXT is appended to the message and to every text of the properties |
//! | `rewrite PATH` | revises the text at PATH, even if there is none |
//! | `context` | denies; the reason is the context of the question |
//! | `trap WORD` | traps on a post whose message is WORD, allows others |
//! | `loop` | loops forever |
//! | `grow` | allocates memory forever |
//! | `recurse` | calls itself forever |
//! | `long N` | denies with a reason of N bytes |
//! | `count` | denies with the number of decisions of this instance so far |
//! | `refuse TEXT` | refuses its settings with TEXT |
//! | `trap-configure` | traps while being configured |

use std::cell::RefCell;
use std::hint::black_box;

use bindings::exports::causeway::policy::policy::{Description, Guest as Policy};
use bindings::exports::causeway::policy::post_gate::{Context, Guest as PostGate, Post};
use bindings::exports::causeway::policy::post_gate::{Revision, TextLeaf, Verdict};

#[allow(
    unsafe_code,
    missing_docs,
    reason = "generated: calls across the component's boundary are raw pointers"
)]
mod bindings {
    wit_bindgen::generate!({
        world: "post-policy",
        path: "../../wit/policy",
    });

    use super::Testing;

    export!(Testing);
}

struct Testing;

thread_local! {
    static SETTINGS: RefCell<String> = const { RefCell::new(String::new()) };
    static DECISIONS: RefCell<u32> = const { RefCell::new(0) };
}

impl Policy for Testing {
    fn describe() -> Description {
        Description {
            name: "testing".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            gates: vec!["post-gate".into()],
            settings_schema: String::new(),
        }
    }

    fn configure(settings: String) -> Result<(), String> {
        if let Some(text) = settings.strip_prefix("refuse ") {
            return Err(text.to_owned());
        }
        assert!(settings != "trap-configure", "as the settings say");
        SETTINGS.set(settings);
        Ok(())
    }
}

impl PostGate for Testing {
    fn decide(context: Context, post: Post) -> Verdict {
        let decisions = DECISIONS.with_borrow_mut(|count| {
            *count += 1;
            *count
        });
        let settings = SETTINGS.with_borrow(String::clone);
        let (verb, rest) = settings.split_once(' ').unwrap_or((settings.as_str(), ""));
        match verb {
            "deny" => Verdict::Deny(rest.to_owned()),
            "append" => Verdict::Revise(append(post, rest)),
            "rewrite" => Verdict::Revise(Revision {
                message: None,
                texts: vec![leaf(rest, "rewritten")],
            }),
            "context" => Verdict::Deny(format!("{context:?}")),
            "trap" => {
                assert!(post.message != rest, "as the settings say");
                Verdict::Allow
            }
            "loop" => loop {
                black_box(decisions);
            },
            "grow" => {
                let mut held = Vec::new();
                loop {
                    held.push(black_box(vec![1u8; 1 << 20]));
                }
            }
            "recurse" => Verdict::Deny(recurse(1).to_string()),
            "long" => Verdict::Deny("x".repeat(rest.parse().unwrap_or(0))),
            "count" => Verdict::Deny(decisions.to_string()),
            _ => Verdict::Allow,
        }
    }
}

fn append(post: Post, rest: &str) -> Revision {
    let texts = post.texts.iter();
    Revision {
        message: Some(format!("{}{rest}", post.message)),
        texts: texts
            .map(|it| leaf(&it.path, &format!("{}{rest}", it.text)))
            .collect(),
    }
}

fn leaf(path: &str, text: &str) -> TextLeaf {
    TextLeaf {
        path: path.into(),
        text: text.into(),
    }
}

#[allow(unconditional_recursion, reason = "it is meant to overflow the stack")]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    frame
        .iter()
        .sum::<u64>()
        .wrapping_add(recurse(depth.wrapping_add(1)))
}
