//! A policy that denies posts containing a word or phrase on a list, or masks it, in their message or in any
//! text of their properties: attachments, cards, anything a plugin put there.
//!
//! Its settings are the list, one entry per line:
//!
//! ```text
//! # Empty lines and lines starting with a number sign are ignored.
//! falcon
//! project falcon
//!
//! [outbound]
//! salary
//! /ACME-[0-9]{6}/
//!
//! [inbound mask]
//! lottery
//! ```
//!
//! A section names the direction that its entries apply to, `[both]`, `[inbound]` or `[outbound]`, and what
//! they do: `deny` the post (also if nothing is said), or `mask` each match, that is, replace each of its
//! characters by an asterisk. Entries before the first section apply to both directions and deny.
//!
//! An entry matches if a text contains its words consecutively, as whole words: `salary` matches "Your SALARY,
//! please" but not "salaryman"; `project falcon` also matches "Project: Falcon", as only spaces and
//! punctuation separate the two. ASCII letters are compared without regard to case, all other letters as they
//! are.
//!
//! An entry between slashes is a regular expression in the syntax of the crate `regex-lite`: without
//! references back and without looking around, so that the time of a search is linear in the text's length. It
//! matches anywhere and with regard to case, unless it begins with `(?i)`; classes such as `\w` are those of ASCII.
//! A list may have 50 of them.
//!
//! What a decision takes hardly grows with the number of words and phrases, and is bounded: a post is denied
//! with the code `too-long` if it would take more than 400,000 steps. Steps are:
//!
//! * the bytes of all its text times the expressions for its direction, each of which is a search of its own; with
//!   ten expressions, a post may have 40,000 bytes. Beyond that it is denied unsearched;
//! * for each match of an expression that masks, the bytes that follow it in its text, as the search goes on
//!   through them: with one expression, 190 evenly spread matches in a text of 4,000 bytes fit, and 45 in one of 16,000;
//! * for each word of a text at which phrases begin, the words for which it goes on like one of them. Only
//!   a text that repeats the beginning of a long phrase has many.

mod budget;
mod expression;
mod list;
mod spans;
mod words;

use std::cell::RefCell;

use bindings::exports::causeway::policy::policy::{Description, Guest as Policy};
use bindings::exports::causeway::policy::post_gate::{
    Guest as PostGate, Post, Revision, TextLeaf, Verdict,
};
use budget::Exceeded;
use causeway_policy_common::context::{Crossing, Direction};
use causeway_policy_common::denial;
use list::{Found, List, Offence};

#[allow(
    unsafe_code,
    missing_docs,
    reason = "generated: calls across the component's boundary are raw pointers"
)]
mod bindings {
    wit_bindgen::generate!({
        world: "post-policy",
        path: "../../wit/policy",
        with: { "causeway:policy/context@0.3.1": causeway_policy_common::context },
        additional_derives: [serde::Deserialize, serde::Serialize],
        generate_all,
    });

    use super::ContentFilter;

    export!(ContentFilter);
}

struct ContentFilter;

thread_local! {
    /// The list of this instance.
    static LIST: RefCell<List> = RefCell::default();
}

impl Policy for ContentFilter {
    fn describe() -> Description {
        Description {
            name: "content-filter".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            gates: vec!["post-gate".into()],
            // The settings are a list, not JSON.
            settings_schema: String::new(),
        }
    }

    fn configure(settings: String) -> Result<(), String> {
        LIST.set(List::parse(&settings).map_err(|error| error.to_string())?);
        Ok(())
    }

    fn rules() -> Vec<String> {
        LIST.with_borrow(List::in_words)
    }
}

impl PostGate for ContentFilter {
    fn decide(crossing: Crossing, post: Post) -> Verdict {
        LIST.with_borrow(|list| judge(list, crossing.direction, &post))
    }
}

fn judge(list: &List, direction: Direction, post: &Post) -> Verdict {
    judge_within_budget(list, direction, post).unwrap_or_else(|Exceeded| {
        let text = "searching the post for the entries of the list would take too long";
        Verdict::Deny(denial("too-long", text))
    })
}

fn judge_within_budget(
    list: &List,
    direction: Direction,
    post: &Post,
) -> Result<Verdict, Exceeded> {
    let texts: usize = post.texts.iter().map(|leaf| leaf.text.len()).sum();
    let mut budget = list.budget(direction, post.message.len() + texts)?;
    let message = match list.judge(direction, &post.message, &mut budget)? {
        Found::Denied(offence) => return Ok(deny("the message", &offence)),
        Found::Masked(text) => Some(text),
        Found::Nothing => None,
    };
    let mut texts = Vec::new();
    for leaf in &post.texts {
        match list.judge(direction, &leaf.text, &mut budget)? {
            Found::Denied(offence) => {
                return Ok(deny(&format!("the text at {}", leaf.path), &offence));
            }
            Found::Masked(text) => texts.push(TextLeaf {
                path: leaf.path.clone(),
                text,
            }),
            Found::Nothing => {}
        }
    }
    if message.is_none() && texts.is_empty() {
        return Ok(Verdict::Allow);
    }
    Ok(Verdict::Revise(Revision { message, texts }))
}

/// What matches an expression is not repeated: it may be a number that should be known to few.
fn deny(place: &str, offence: &Offence<'_>) -> Verdict {
    Verdict::Deny(match offence {
        Offence::Words(entry) => denial("banned-word", format!("{place} contains {entry:?}")),
        Offence::Expression(line) => denial(
            "banned-expression",
            format!("{place} matches the expression in line {line} of the list"),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_answered_as_the_file_says() {
        causeway_policy_questions::check(
            include_str!("../questions.jsonl"),
            ContentFilter::configure,
            |case| case.ask(ContentFilter::decide),
        );
    }

    #[test]
    fn a_denial_says_where_and_which_entry() {
        let list = List::parse("salary\n/[0-9]{4}/").unwrap();
        let said = |message: &str, text: &str| {
            let texts = vec![TextLeaf {
                path: "/b/0".into(),
                text: text.into(),
            }];
            match judge(&list, Direction::Inbound, &post(message, texts)) {
                Verdict::Deny(denial) => denial.text,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(
            said("your Salary!", "salary"),
            "the message contains \"salary\""
        );
        assert_eq!(said("x", "Salary"), "the text at /b/0 contains \"salary\"");
        let secret = said("my 1234", "x");
        assert_eq!(
            secret,
            "the message matches the expression in line 2 of the list"
        );
    }

    #[test]
    fn a_post_that_is_too_long_for_the_expressions_is_denied_unsearched() {
        let list = List::parse("/[0-9]{4}/").unwrap();
        let leaf = |bytes| TextLeaf {
            path: "/a".into(),
            text: "x".repeat(bytes),
        };
        let judged = |bytes| {
            let post = post("x", vec![leaf(200_000), leaf(bytes)]);
            judge(&list, Direction::Inbound, &post)
        };
        assert!(matches!(judged(199_999), Verdict::Allow));
        assert!(matches!(judged(200_000), Verdict::Deny(it) if it.code == "too-long"));
    }

    #[test]
    fn what_the_texts_of_a_post_cost_adds_up() {
        let list = List::parse("[both mask]\n/[0-9]+x|[0-9]/").unwrap();
        let judged = |texts: usize| {
            let digits = (0..texts).map(|number| TextLeaf {
                path: format!("/{number}"),
                text: "1".repeat(500),
            });
            judge(&list, Direction::Inbound, &post("x", digits.collect()))
        };
        assert!(matches!(judged(3), Verdict::Revise(it) if it.texts.len() == 3));
        assert!(matches!(judged(4), Verdict::Deny(it) if it.code == "too-long"));
    }

    fn post(message: &str, texts: Vec<TextLeaf>) -> Post {
        use causeway_policy_common::context::{Channel, ChannelKind, Home, Person};
        Post {
            id: "p".into(),
            channel: Channel {
                id: "c".into(),
                name: "town-square".into(),
                kind: ChannelKind::Open,
            },
            author: Person {
                id: "a".into(),
                name: "ann".into(),
                home: Home::Here,
            },
            root_id: String::new(),
            message: message.into(),
            texts,
            post_type: String::new(),
            create_at_ms: 0,
            is_edit: false,
        }
    }
}
