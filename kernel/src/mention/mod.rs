//! Mentions in a text: where they are, and whom they refer to. All callers use this module, so texts sent to
//! a peer, texts received from one and notifications of a post agree on mentions. Semantics §5.7, §6.4,
//! client API §7.1.

mod blocks;
mod bytes;
mod inline;
#[cfg(test)]
mod tests;

use crate::authority::{is_channel_member, is_team_member};
use crate::boundary::behaviour::Behaviour;
use crate::model::Place;
use crate::model::limits::{MENTION_LOOKUPS_MAX, USERNAME_BYTES_MAX};
use crate::rows::id::{ChannelNo, UserNo};
use crate::rows::lookup;
use crate::rows::tx::Read;

/// Words that mention everybody who reads the channel.
const EVERYBODY: [&str; 3] = ["all", "channel", "here"];

/// A word after an `@` that may name somebody, as a byte range of a text: `@[A-Za-z0-9][A-Za-z0-9.\-_:]*`,
/// not within another word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Start of the word, after the `@`.
    pub start: usize,
    /// Its end, exclusive.
    pub end: usize,
}

impl Candidate {
    /// The possible names, in lower case and longest first: special characters at the end may belong to the
    /// sentence. Names over the maximum length are left out.
    pub fn names(self, text: &str) -> impl Iterator<Item = String> {
        let word = text.get(self.start..self.end).unwrap_or_default();
        let shortest = word.trim_end_matches(['.', '-', '_', ':']).len();
        let longest = word.len().min(USERNAME_BYTES_MAX);
        (shortest..=longest)
            .rev()
            .filter_map(|length| Some(word.get(..length)?.to_ascii_lowercase()))
    }
}

/// How a text is parsed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// Every word counts. Used before [`Behaviour::MentionsInWords`].
    Plain,
    #[default]
    /// As Markdown: code, link targets and bare addresses contain no mentions.
    Markdown,
}

impl Reading {
    /// How a workspace parses texts.
    pub fn of(rows: &(impl Read + ?Sized)) -> Reading {
        if Behaviour::MentionsInWords.is_in_force(rows) {
            Reading::Markdown
        } else {
            Reading::Plain
        }
    }
}

/// The words of a text that may be mentions, in order. The cost depends only on the length of the text, and
/// linearly.
#[must_use]
pub fn candidates(text: &str, reading: Reading) -> Vec<Candidate> {
    let mut found = Vec::new();
    // Most texts contain none.
    if !text.contains('@') {
        return found;
    }
    match reading {
        Reading::Plain => {
            let bytes = bytes::Bytes::until(text, text.len());
            let places = text.match_indices('@');
            found.extend(places.filter_map(|(at, _)| inline::candidate(bytes, at, true)));
        }
        Reading::Markdown => {
            for block in blocks::blocks(text) {
                inline::read(text, block, &mut found);
            }
        }
    }
    found
}

/// Whether a text mentions everybody who reads the channel.
#[must_use]
pub fn addresses_everybody(text: &str, reading: Reading) -> bool {
    let is_everybody = |name: String| EVERYBODY.contains(&name.as_str());
    candidates(text, reading)
        .into_iter()
        .any(|candidate| candidate.names(text).any(is_everybody))
}

/// A word after an `@`, and whom it addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Its start, after the `@`.
    pub start: usize,
    /// The name in lower case, without what is not part of it.
    pub name: String,
    /// Whom it addresses.
    pub whom: Addressee,
}

/// Whom a word after an `@` addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressee {
    /// Everybody who reads the channel.
    Everybody,
    /// This user.
    User(UserNo),
    /// Nobody who can be meant here.
    Nobody,
}

/// Whom the words after `@` in a text of a channel address, in order, with the users whom [`find`] finds; `None` if
/// this takes more look-ups than are left. Words that are too long for a name are left out.
pub fn addresses(
    rows: &(impl Read + ?Sized),
    (channel, place): (ChannelNo, Place),
    text: &str,
    lookups_left: &mut u32,
) -> Option<Vec<Address>> {
    let mut found = Vec::new();
    for candidate in candidates(text, Reading::of(rows)) {
        let start = candidate.start;
        let everybody = |name: &String| EVERYBODY.contains(&name.as_str());
        if let Some(name) = candidate.names(text).find(everybody) {
            let whom = Addressee::Everybody;
            found.push(Address { start, name, whom });
            continue;
        }
        let named = named(rows, candidate, text, lookups_left).ok()?;
        let named = named.filter(|(_, user)| may_be_meant(rows, (channel, place), *user));
        if let Some((name, user)) = named {
            let whom = Addressee::User(user);
            found.push(Address { start, name, whom });
        } else if let Some(name) = candidate.names(text).last() {
            let whom = Addressee::Nobody;
            found.push(Address { start, name, whom });
        }
    }
    Some(found)
}

/// A text in which the words that start at these positions, given in order, are no longer mentions: the `@`
/// before each is left out, and those directly before it.
#[must_use]
pub fn silence(text: &str, starts: impl Iterator<Item = usize>) -> String {
    let signs = starts.map(|start| {
        let before = text.get(..start).unwrap_or_default();
        (before.trim_end_matches('@').len(), start, String::new())
    });
    rewrite(text, signs)
}

/// A mention of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Bytes of the text after `@` that name the user.
    pub start: usize,
    /// End of the name, exclusive.
    pub end: usize,
    /// The name in lower case, as written in the text.
    pub name: String,
    /// The mentioned user.
    pub user: UserNo,
}

/// The mentions in a text of a channel, in order: of members of its team or, outside teams, of its members.
/// If no user has the whole name, special characters are removed from its end one by one, as in the
/// reference.
pub fn find(
    rows: &(impl Read + ?Sized),
    (channel, place): (ChannelNo, Place),
    text: &str,
) -> Vec<Mention> {
    let mut found: Vec<Mention> = Vec::new();
    // Most texts need no look at a row either.
    if !text.contains('@') {
        return found;
    }
    let mut lookups_left = MENTION_LOOKUPS_MAX;
    for candidate in candidates(text, Reading::of(rows)) {
        let Ok(named) = named(rows, candidate, text, &mut lookups_left) else {
            return found;
        };
        let meant = named.filter(|(_, user)| may_be_meant(rows, (channel, place), *user));
        if let Some((name, user)) = meant {
            found.push(Mention {
                start: candidate.start,
                end: candidate.start + name.len(),
                name,
                user,
            });
        }
    }
    found
}

/// There are no look-ups left.
struct UsedUp;

/// The user whose name a word is, by the longest of its names that anybody has.
fn named(
    rows: &(impl Read + ?Sized),
    candidate: Candidate,
    text: &str,
    lookups_left: &mut u32,
) -> Result<Option<(String, UserNo)>, UsedUp> {
    for name in candidate.names(text) {
        *lookups_left = lookups_left.checked_sub(1).ok_or(UsedUp)?;
        if let Some(user) = lookup::username(rows, &name) {
            return Ok(Some((name, user)));
        }
    }
    Ok(None)
}

/// Whether a mention in a channel can mean a user.
fn may_be_meant(
    rows: &(impl Read + ?Sized),
    (channel, place): (ChannelNo, Place),
    user: UserNo,
) -> bool {
    match place.team() {
        Some(team) => is_team_member(rows, team, user),
        None => is_channel_member(rows, channel, user),
    }
}

/// A text with each mention replaced by the result of `name_of`, if any.
#[must_use]
pub fn replace(
    text: &str,
    mentions: &[Mention],
    name_of: impl Fn(&Mention) -> Option<String>,
) -> String {
    let named = mentions.iter().filter_map(|mention| {
        let name = name_of(mention)?;
        Some((mention.start, mention.end, name))
    });
    rewrite(text, named)
}

/// A text with some parts replaced, given in order.
pub fn rewrite(text: &str, parts: impl Iterator<Item = (usize, usize, String)>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end, part) in parts {
        out.push_str(text.get(done..start).unwrap_or_default());
        out.push_str(&part);
        done = end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}
