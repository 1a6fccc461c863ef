//! A policy that denies posts holding a word or phrase of a list.
//!
//! Its settings are the list, one entry a line:
//!
//! ```text
//! # Lines with a number sign and empty lines mean nothing.
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
//! Entries before the first section, and below `[both]`, hold for both directions. An entry is
//! found when its words stand in the message as whole words, one after the other: `salary` is in
//! "Your SALARY, please" and not in "salaryman"; `project falcon` is in "Project: Falcon" too, as
//! only spaces and punctuation stand between the two. Capitals of the Latin alphabet are equal to
//! its small letters; all other letters are compared as they are.

mod list;

use std::cell::RefCell;

use bindings::exports::causeway::policy::post_gate::{Connection, Direction, Post};
use bindings::exports::causeway::policy::post_gate::{Guest, Verdict};
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

impl Guest for ContentFilter {
    fn configure(settings: String) -> Result<(), String> {
        let list = List::parse(&settings).map_err(|error| error.to_string())?;
        LIST.set(Some(list));
        Ok(())
    }

    fn decide(direction: Direction, _connection: Connection, post: Post) -> Verdict {
        let way = match direction {
            Direction::Inbound => Way::Inbound,
            Direction::Outbound => Way::Outbound,
        };
        LIST.with_borrow(|list| match list {
            None => Verdict::Deny("the content filter has no list yet".into()),
            Some(list) => match list.find(way, &post.message) {
                None => Verdict::Allow,
                Some(entry) => Verdict::Deny(format!("the message holds {entry:?}")),
            },
        })
    }
}
