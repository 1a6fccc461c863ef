//! A policy that denies posts containing a word or phrase on a list, in their message or in any text
//! of their properties: attachments, cards, anything a plugin put there.
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
//!
//! [inbound]
//! lottery
//! ```
//!
//! Entries before the first section, and below `[both]`, apply to both directions. An entry matches
//! if a text contains its words consecutively, as whole words: `salary` matches "Your SALARY,
//! please" but not "salaryman"; `project falcon` also matches "Project: Falcon", as only spaces and
//! punctuation separate the two. ASCII letters are compared without regard to case, all other
//! letters as they are.

mod list;

use std::cell::RefCell;

use bindings::causeway::policy::context::Direction;
use bindings::exports::causeway::policy::policy::{Description, Guest as Policy};
use bindings::exports::causeway::policy::post_gate::{Context, Guest as PostGate, Post, Verdict};
use list::{List, Way};

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

    use super::ContentFilter;

    export!(ContentFilter);
}

struct ContentFilter;

thread_local! {
    /// The list of this instance.
    static LIST: RefCell<Option<List>> = const { RefCell::new(None) };
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
        let list = List::parse(&settings).map_err(|error| error.to_string())?;
        LIST.set(Some(list));
        Ok(())
    }
}

impl PostGate for ContentFilter {
    fn decide(context: Context, post: Post) -> Verdict {
        let way = match context.direction {
            Direction::Inbound => Way::Inbound,
            Direction::Outbound => Way::Outbound,
        };
        LIST.with_borrow(|list| match list {
            None => Verdict::Deny("the content filter has no list yet".into()),
            Some(list) => decide(list, way, &post),
        })
    }
}

fn decide(list: &List, way: Way, post: &Post) -> Verdict {
    if let Some(entry) = list.find(way, &post.message) {
        return Verdict::Deny(format!("the message contains {entry:?}"));
    }
    let found = post.texts.iter().find_map(|leaf| {
        let entry = list.find(way, &leaf.text)?;
        Some(format!("the text at {} contains {entry:?}", leaf.path))
    });
    found.map_or(Verdict::Allow, Verdict::Deny)
}
