//! Mentions in a peer's text: names as known to the sender become names as known to us. Semantics §6.4.
//!
//! With `mention_transforms` the sender names the user of each mention. The reference replaces substrings in
//! random order and damages texts in which one name is part of another; here the text is read once, and each
//! [candidate](mention::Candidate) is looked up as a whole, then without its trailing punctuation, as the
//! sender did; code and addresses are unchanged. Servers of 2021 rewrite the text themselves and send no map.

use std::collections::BTreeMap;

use crate::mention::{self, Candidate, Reading};
use crate::model::User;
use crate::model::limits::MESSAGE_CHARS_MAX;
use crate::rows::id::WorkspaceNo;
use crate::rows::lookup;
use crate::rows::tx::Read;

/// Replacements for the mentions of one message.
#[derive(Debug, Default)]
pub struct Mentions {
    /// Lower-case mention without `@`, and its replacement.
    replacements: BTreeMap<String, String>,
    reading: Reading,
}

impl Mentions {
    /// Resolves a message's map once for all its posts.
    pub fn new(
        rows: &(impl Read + ?Sized),
        connection_name: &str,
        transforms: &[(String, String)],
    ) -> Mentions {
        let mut replacements = BTreeMap::new();
        for (mention, user_id) in transforms {
            let user = lookup::user(rows, user_id).and_then(|no| rows.get::<User>(&no));
            let key = mention.to_ascii_lowercase();
            if let Some(text) = replacement(mention, user.as_ref(), connection_name) {
                replacements.insert(key, text);
            }
        }
        Mentions {
            replacements,
            reading: Reading::of(rows),
        }
    }

    /// The text with its mentions replaced; unchanged if it would exceed the limit.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        if self.replacements.is_empty() {
            return text.to_string();
        }
        let candidates = mention::candidates(text, self.reading).into_iter();
        let out = mention::rewrite(text, candidates.filter_map(|it| self.part(it, text)));
        if out.chars().nth(MESSAGE_CHARS_MAX).is_some() {
            text.to_string()
        } else {
            out
        }
    }

    /// Which part of a text is a mention, and its replacement. The longest match counts.
    fn part(&self, candidate: Candidate, text: &str) -> Option<(usize, usize, String)> {
        let mut names = candidate.names(text);
        names.find_map(|name| {
            let replacement = self.replacements.get(&name)?.clone();
            Some((candidate.start, candidate.start + name.len(), replacement))
        })
    }
}

/// The replacement of a mention; `None` = unchanged.
fn replacement(mention: &str, user: Option<&User>, connection_name: &str) -> Option<String> {
    let qualified = mention.contains(':');
    match user {
        Some(user) if qualified || user.origin != WorkspaceNo::OURS => Some(user.username.clone()),
        Some(_) => None,
        None if qualified => None,
        None => Some(format!("{mention}:{connection_name}")),
    }
}
