//! Masks texts and names word by word. Everything between words is kept, so that mentions,
//! addresses, links and Markdown keep their form.

use std::cmp::Reverse;

use causeway_kernel::boundary::texts::Text;
use causeway_kernel::command::DEFAULT_CHANNELS;
use causeway_kernel::model::file_name;
use causeway_kernel::model::limits::{EMOJI_BYTES_MAX, USERNAME_BYTES_MAX};
use causeway_kernel::model::naming::{self, SUFFIX_ATTEMPTS_MAX};
use causeway_kernel::model::reasons::FIXED;
use causeway_kernel::rows::id::{Id, TeamNo};
use causeway_kernel::rows::lookup::team_channel_name_key;

use super::keys::Shape;
use super::{Mask, cipher};

/// The kind of a stretch of text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    /// ASCII letters and digits.
    Word,
    /// Non-ASCII characters. Separate from words, as the kernel's rules for names know ASCII only.
    Foreign,
    /// Everything else, which is kept.
    Between,
}

impl Run {
    fn of(character: char) -> Run {
        if character.is_ascii_alphanumeric() {
            Run::Word
        } else if !character.is_ascii() && cipher::has_stand_ins(character) {
            Run::Foreign
        } else {
            Run::Between
        }
    }
}

impl Mask {
    /// Masks a text or a name; the stand-in has the same length, in bytes and in characters.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        // Whether there was a letter, followed only by characters of user names.
        let mut in_name = false;
        while let Some(first) = rest.chars().next() {
            let kind = Run::of(first);
            let length = rest.find(|character| Run::of(character) != kind);
            let (run, tail) = rest.split_at(length.unwrap_or(rest.len()));
            rest = tail;
            match kind {
                Run::Word => {
                    let may_be_suffix = in_name && out.ends_with('-');
                    out.push_str(&self.word(run, may_be_suffix));
                    in_name |= run.bytes().any(|byte| byte.is_ascii_alphabetic());
                }
                Run::Foreign => {
                    out.push_str(&self.cipher.permute(run));
                    in_name = false;
                }
                Run::Between => {
                    out.push_str(run);
                    in_name &= run.bytes().all(|byte| b".-_".contains(&byte));
                }
            }
        }
        out
    }

    fn word(&self, word: &str, may_be_suffix: bool) -> String {
        let lower = word.to_ascii_lowercase();
        let stays = |word: &str| is_known(word) || (may_be_suffix && is_suffix(word));
        let masked = away(&lower, stays, |word| self.cipher.permute(word));
        let case = |(was, is): (char, char)| {
            if was.is_ascii_uppercase() {
                is.to_ascii_uppercase()
            } else {
                is
            }
        };
        word.chars().zip(masked.chars()).map(case).collect()
    }

    /// Masks a text of a class.
    pub(super) fn of_class(&self, class: Text, text: &str) -> String {
        let stays = match class {
            Text::Own => true,
            Text::Id => Id::parse(text).is_some(),
            Text::Token => is_word(text),
            Text::Locale => naming::is_locale(text),
            Text::Words => false,
            Text::TeamName => return self.team_name(text),
            Text::ChannelName => return self.channel_name(text),
            Text::UniqueChannelName => return self.unique_channel_name(text),
            Text::SearchedName => return self.searched_name(text),
            Text::Address => return self.address(text),
            Text::Refusal => return self.refusal(text),
            Text::Pointer => return self.pointer(text),
        };
        if stays {
            text.to_string()
        } else {
            self.text(text)
        }
    }

    /// Masks a JSON pointer: its keys as in the JSON itself. List positions are kept.
    fn pointer(&self, path: &str) -> String {
        let masked = path.split('/').map(|part| {
            if part.bytes().all(|byte| byte.is_ascii_digit()) {
                return part.to_string();
            }
            let key = part.replace("~1", "/").replace("~0", "~");
            let masked = self.key(&key, Shape::Opaque);
            masked.replace('~', "~0").replace('/', "~1")
        });
        masked.collect::<Vec<_>>().join("/")
    }

    /// Masks a team's name: one that starts with a reserved word keeps that start, and no other name
    /// gets one.
    pub(super) fn team_name(&self, name: &str) -> String {
        let reserved = |name: &str| naming::is_reserved_team_name(&name.to_ascii_lowercase());
        let start = |end: &usize| name.get(..*end).is_some_and(reserved);
        match (1..=name.len()).find(start) {
            Some(end) => {
                let (start, rest) = name.split_at(end);
                format!("{start}{}", self.text(rest))
            }
            None => away(name, reserved, |name| self.text(name)),
        }
    }

    /// Masks a channel's URL name. Those of every team's default channels are kept, also with a number
    /// appended, and so are those that the kernel derives from the ids of the members.
    pub(super) fn channel_name(&self, name: &str) -> String {
        let is_default = |name: &str| {
            let numbered = name
                .rsplit_once('-')
                .filter(|(_, number)| is_suffix(number));
            let name = numbered.map_or(name, |(name, _)| name);
            DEFAULT_CHANNELS
                .iter()
                .any(|(default, _)| name.eq_ignore_ascii_case(default))
        };
        let stays = |name: &str| {
            is_default(name) || naming::is_direct_channel_name(name) || is_group_digest(name)
        };
        away(name, stays, |name| self.text(name))
    }

    /// Masks a channel's unique name: the team's number is kept.
    fn unique_channel_name(&self, unique: &str) -> String {
        let parts = || {
            let (team, name) = unique.split_once('/')?;
            Some((TeamNo(u64::from_str_radix(team, 16).ok()?), name))
        };
        match parts() {
            Some((team, name)) => team_channel_name_key(team, &self.channel_name(name)),
            None => self.text(unique),
        }
    }

    /// Masks a name by which a user is searched: the user's number is kept.
    fn searched_name(&self, searched: &str) -> String {
        match searched.rsplit_once('\0') {
            Some((name, number)) => format!("{}\0{number}", self.text(name)),
            None => self.text(searched),
        }
    }

    /// Masks a user's e-mail address. In one that the kernel generates for a remote user, only the name
    /// of the connection is masked: the kernel will generate the same.
    pub(super) fn address(&self, address: &str) -> String {
        let made = |address: &str| -> Option<(String, String)> {
            let (id, domain) = address.split_once('@')?;
            let connection = domain.strip_suffix(".invalid")?;
            Some((Id::parse(id)?.into(), connection.to_string()))
        };
        match made(address) {
            Some((id, connection)) => format!("{id}@{}.invalid", self.text(&connection)),
            None => away(address, |text| made(text).is_some(), |text| self.text(text)),
        }
    }

    /// Masks the reason for a refusal. Fixed words are kept: those by which a sender decides, and all
    /// others that no person wrote; everything around them is masked.
    fn refusal(&self, words: &str) -> String {
        let mut out = String::with_capacity(words.len());
        let mut rest = words;
        while let Some((at, fixed)) = first_fixed(rest) {
            let (before, from) = rest.split_at(at);
            out.push_str(&self.not_fixed(before));
            let (fixed, behind) = from.split_at(fixed.len());
            out.push_str(fixed);
            rest = behind;
        }
        out.push_str(&self.not_fixed(rest));
        out
    }

    fn not_fixed(&self, words: &str) -> String {
        away(words, |it| first_fixed(it).is_some(), |it| self.text(it))
    }

    /// Masks a number in JSON: a leading zero is kept, and no other leading digit becomes one.
    pub(super) fn number(&self, number: &str) -> String {
        let mut out = String::with_capacity(number.len());
        let mut rest = number;
        while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
            let (before, from) = rest.split_at(start);
            let length = from.find(|character: char| !character.is_ascii_digit());
            let (digits, tail) = from.split_at(length.unwrap_or(from.len()));
            out.push_str(before);
            let zero = digits.starts_with('0');
            let other = |masked: &str| masked.starts_with('0') != zero;
            out.push_str(&away(digits, other, |digits| self.cipher.permute(digits)));
            rest = tail;
        }
        out.push_str(rest);
        out
    }
}

/// A permutation that does not change texts for which `stays` holds: a result that is one of those is
/// permuted again. This terminates, as the cycle of a text returns to the text, and it never maps two
/// texts to one.
pub(super) fn away(
    text: &str,
    stays: impl Fn(&str) -> bool,
    permute: impl Fn(&str) -> String,
) -> String {
    if stays(text) {
        return text.to_string();
    }
    let mut masked = permute(text);
    while stays(&masked) {
        masked = permute(&masked);
    }
    masked
}

/// The first of the fixed words in a text; if several start there, the longest.
fn first_fixed(text: &str) -> Option<(usize, &'static str)> {
    let found = FIXED
        .iter()
        .filter_map(|fixed| Some((text.find(fixed)?, *fixed)));
    found.min_by_key(|(at, fixed)| (*at, Reverse(fixed.len())))
}

/// Words that are kept: names that no account may have, the schemes of site URLs, and known extensions of files,
/// from which the media type follows.
fn is_known(word: &str) -> bool {
    let is_scheme = matches!(word, "http" | "https");
    is_scheme
        || is_extension(word)
        || (word.len() <= USERNAME_BYTES_MAX && !naming::is_username(word))
}

fn is_extension(word: &str) -> bool {
    const LONGEST: usize = 4;
    word.len() <= LONGEST && file_name::media_type(&format!(".{word}")) != file_name::media_type("")
}

/// Whether a name is the digest that names a group channel.
fn is_group_digest(name: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    naming::is_group_channel_name(name) && name.bytes().all(is_digit)
}

/// Numbers that distinguish users of the same name.
fn is_suffix(word: &str) -> bool {
    let number = word.parse::<u32>().ok();
    !word.starts_with('0')
        && number.is_some_and(|number| (2..=SUFFIX_ATTEMPTS_MAX).contains(&number))
}

/// Whether a text has the form of an emoji name or a type.
fn is_word(text: &str) -> bool {
    text.len() <= EMOJI_BYTES_MAX
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-+_".contains(&byte))
}
