//! Mentions in a peer's text: names as the sender knows them become names as we know them.
//! Semantics §6.4.
//!
//! The sender says with `mention_transforms` whom each mention means. The reference replaces
//! substrings in random order and damages texts in which one name is part of another; here the
//! text is read once, and each mention is looked up as a whole, then without its trailing
//! punctuation, as the sender did. Servers of 2021 rewrite the text themselves and send no map.

use std::collections::BTreeMap;

use crate::model::User;
use crate::model::limits::MESSAGE_CHARS_MAX;
use crate::rows::id::WorkspaceNo;
use crate::rows::lookup;
use crate::rows::tx::Read;

/// What the mentions of one message become.
#[derive(Debug, Default)]
pub struct Mentions {
    /// Lower-case mention without `@`, and what stands in its place.
    replacements: BTreeMap<String, String>,
}

impl Mentions {
    /// Works out a message's map once for all its posts.
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
        Mentions { replacements }
    }

    /// The text with its mentions replaced; as it was when it would grow over the limit.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        if self.replacements.is_empty() || !text.contains('@') {
            return text.to_string();
        }
        let mut out = String::with_capacity(text.len() + 32);
        let mut rest = text;
        while let Some(at) = rest.find('@') {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let follows_word = out.bytes().next_back().is_some_and(is_word_byte);
            let after = from.get(1..).unwrap_or_default();
            let taken = if follows_word { None } else { self.find(after) };
            out.push('@');
            match taken {
                Some((length, replacement)) => {
                    out.push_str(replacement);
                    rest = after.get(length..).unwrap_or_default();
                }
                None => rest = after,
            }
        }
        out.push_str(rest);
        if out.chars().nth(MESSAGE_CHARS_MAX).is_some() {
            text.to_string()
        } else {
            out
        }
    }

    /// The longest mention at the start of `text`, and what it becomes.
    fn find(&self, text: &str) -> Option<(usize, &str)> {
        if !text.bytes().next()?.is_ascii_alphanumeric() {
            return None;
        }
        let length = text
            .bytes()
            .take_while(|byte| is_mention_byte(*byte))
            .count();
        let mut mention = text.get(..length)?.to_ascii_lowercase();
        loop {
            if let Some(replacement) = self.replacements.get(&mention) {
                return Some((mention.len(), replacement));
            }
            // Only punctuation may be no part of the name: `@al` is not in `@alice`.
            if mention.bytes().next_back()?.is_ascii_alphanumeric() {
                return None;
            }
            mention.pop();
        }
    }
}

/// What a mention becomes; `None` = it stays.
fn replacement(mention: &str, user: Option<&User>, connection_name: &str) -> Option<String> {
    let qualified = mention.contains(':');
    match user {
        Some(user) if qualified || user.origin != WorkspaceNo::OURS => Some(user.username.clone()),
        Some(_) => None,
        None if qualified => None,
        None => Some(format!("{mention}:{connection_name}")),
    }
}

fn is_mention_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':')
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
