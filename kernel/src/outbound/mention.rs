//! Mentions in a text: where they are and whom they mean. Semantics §5.7.

use crate::authority::{is_channel_member, is_team_member};
use crate::model::Place;
use crate::model::limits::{MENTION_LOOKUPS_MAX, USERNAME_BYTES_MAX};
use crate::rows::id::{ChannelNo, UserNo};
use crate::rows::lookup;
use crate::rows::tx::Read;

/// A mention of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Bytes of the text after `@` that name the user.
    pub start: usize,
    /// End of the name, exclusive.
    pub end: usize,
    /// The name in lower case, as it stands in the text.
    pub name: String,
    /// Who is meant.
    pub user: UserNo,
}

/// Words that begin with `@`, as ranges of bytes without it: `\B@[A-Za-z0-9][A-Za-z0-9.\-_:]*`.
fn candidates(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let bytes = text.as_bytes();
    let byte_at = move |at: usize| bytes.get(at).copied();
    text.match_indices('@').filter_map(move |(at, _)| {
        let before = at.checked_sub(1).and_then(byte_at);
        if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return None;
        }
        let start = at + 1;
        byte_at(start).filter(u8::is_ascii_alphanumeric)?;
        let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b".-_:".contains(byte);
        let length = bytes.get(start..)?.iter().take_while(is_name).count();
        Some((start, start + length))
    })
}

/// The mentions in a text of a channel, in its order: of members of its team, or outside teams of its
/// members. Where no user has the whole name, special characters are taken off its end one by one, as the
/// reference does.
pub fn find(
    rows: &(impl Read + ?Sized),
    (channel, place): (ChannelNo, Place),
    text: &str,
) -> Vec<Mention> {
    let may_be_meant = |user: &UserNo| match place.team() {
        Some(team) => is_team_member(rows, team, *user),
        None => is_channel_member(rows, channel, *user),
    };
    let mut found: Vec<Mention> = Vec::new();
    let mut lookups_left = MENTION_LOOKUPS_MAX;
    for (start, end) in candidates(text) {
        let Some(word) = text.get(start..end) else {
            continue;
        };
        let mut name = word.to_ascii_lowercase();
        let user = loop {
            if lookups_left == 0 {
                return found;
            }
            lookups_left -= 1;
            let user = if name.len() > USERNAME_BYTES_MAX {
                None
            } else {
                lookup::username(rows, &name)
            };
            if user.is_some() || !name.ends_with(['.', '-', '_', ':']) {
                break user;
            }
            name.pop();
        };
        if let Some(user) = user.filter(may_be_meant) {
            found.push(Mention {
                start,
                end: start + name.len(),
                name,
                user,
            });
        }
    }
    found
}

/// A text with each mention replaced by what `name_of` gives for it, if it gives anything.
#[must_use]
pub fn replace(
    text: &str,
    mentions: &[Mention],
    name_of: impl Fn(&Mention) -> Option<String>,
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for mention in mentions {
        if let Some(name) = name_of(mention) {
            out.push_str(text.get(done..mention.start).unwrap_or_default());
            out.push_str(&name);
            done = mention.end;
        }
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_after_an_at_sign_are_candidates_but_not_inside_other_words() {
        let words = |text: &'static str| -> Vec<&str> {
            candidates(text)
                .map(|(start, end)| &text[start..end])
                .collect()
        };
        assert_eq!(
            words("@ann: see @bob:site-b, dan@dan"),
            ["ann:", "bob:site-b"]
        );
        assert_eq!(
            words("(@x.y-z_) @@kim @ @é ü@zoe _@no"),
            ["x.y-z_", "kim", "zoe"]
        );
    }

    #[test]
    fn only_the_named_bytes_are_replaced() {
        let text = "hi @ann:b, @ann";
        let mention = |start, end, user| Mention {
            start,
            end,
            name: text[start..end].to_string(),
            user: UserNo(user),
        };
        let mentions = [mention(4, 9, 1), mention(12, 15, 2)];
        let first = |one: &Mention| (one.user == UserNo(1)).then(|| "ann".to_string());
        assert_eq!(replace(text, &mentions, first), "hi @ann, @ann");
    }
}
