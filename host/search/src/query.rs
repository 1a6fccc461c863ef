//! The language in which people search. Client API §7.4.

use jiff::civil::{Date, Time};
use jiff::tz::Offset;

/// Maximum bytes of a query.
pub const QUERY_BYTES_MAX: usize = 4_096;
/// Maximum words, phrases and modifiers of a query; further ones are ignored.
pub const TERMS_MAX: usize = 64;
/// Largest offset of a time zone, in s.
const OFFSET_S_MAX: i64 = 18 * 3_600;
const DAY_MS: i64 = 86_400_000;

/// A query, parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// What the text must have.
    pub wanted: Vec<Term>,
    /// What it must not have.
    pub unwanted: Vec<Term>,
    /// Names of authors, one of which wrote it.
    pub from: Vec<String>,
    /// Names of authors who did not write it.
    pub not_from: Vec<String>,
    /// Channels, in one of which it is.
    pub within: Vec<String>,
    /// Channels in which it is not.
    pub not_within: Vec<String>,
    /// Extensions of files, one of which it has.
    pub extensions: Vec<String>,
    /// Extensions that it does not have.
    pub not_extensions: Vec<String>,
    /// Times at which it was written, in ms: start inclusive, end exclusive.
    pub times: Vec<(i64, i64)>,
    /// Times at which it was not written.
    pub not_times: Vec<(i64, i64)>,
}

/// A part of a text that is searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// Words that follow each other; the last one may go on.
    Words {
        /// The words.
        text: String,
        /// Whether it ended with `*`.
        is_prefix: bool,
    },
    /// A hashtag without its `#`.
    Hashtag {
        /// The tag.
        tag: String,
        /// Whether it ended with `*`.
        is_prefix: bool,
    },
}

/// A modifier.
#[derive(Clone, Copy)]
enum Modifier {
    From,
    In,
    Before,
    After,
    On,
    Extension,
}

impl Modifier {
    /// A word that begins with a modifier, and what follows it.
    fn of(word: &str) -> Option<(Modifier, &str)> {
        let (name, rest) = word.split_once(':')?;
        let modifier = match name.to_ascii_lowercase().as_str() {
            "from" => Modifier::From,
            "in" | "channel" => Modifier::In,
            "before" => Modifier::Before,
            "after" => Modifier::After,
            "on" => Modifier::On,
            "ext" => Modifier::Extension,
            _ => return None,
        };
        Some((modifier, rest))
    }
}

/// A piece of a query: a word, or a text in quotation marks.
struct Piece<'a> {
    is_negative: bool,
    is_quoted: bool,
    text: &'a str,
}

/// Takes the next piece off a text.
fn next_piece<'a>(text: &mut &'a str) -> Option<Piece<'a>> {
    let mut rest = text.trim_start();
    let is_negative = rest.starts_with('-');
    rest = rest.strip_prefix('-').unwrap_or(rest);
    if let Some(quoted) = rest.strip_prefix('"') {
        let (inside, after) = quoted.split_once('"').unwrap_or((quoted, ""));
        *text = after;
        return Some(Piece {
            is_negative,
            is_quoted: true,
            text: inside,
        });
    }
    if rest.is_empty() && !is_negative {
        return None;
    }
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    *text = after;
    Some(Piece {
        is_negative,
        is_quoted: false,
        text: word,
    })
}

impl Query {
    /// Parses a query of somebody whose clock is so many seconds ahead of UTC.
    #[must_use]
    pub fn parse(text: &str, time_zone_offset_s: i64) -> Query {
        let mut query = Query::default();
        let mut rest = text;
        for _ in 0..TERMS_MAX {
            let Some(piece) = next_piece(&mut rest) else {
                break;
            };
            let modifier = Modifier::of(piece.text).filter(|_| !piece.is_quoted);
            let Some((modifier, value)) = modifier else {
                query.add_term(&piece);
                continue;
            };
            // The value may be the next word.
            let value = if value.is_empty() {
                next_piece(&mut rest).map_or("", |piece| piece.text)
            } else {
                value
            };
            query.add_modifier(modifier, piece.is_negative, value, time_zone_offset_s);
        }
        query
    }

    fn add_term(&mut self, piece: &Piece<'_>) {
        let term = if piece.is_quoted {
            Term::Words {
                text: piece.text.to_string(),
                is_prefix: false,
            }
        } else {
            term(piece.text)
        };
        if piece.is_negative {
            self.unwanted.push(term);
        } else {
            self.wanted.push(term);
        }
    }

    fn add_modifier(&mut self, modifier: Modifier, is_negative: bool, value: &str, offset_s: i64) {
        let value = value.trim_matches('"');
        let names = match (modifier, is_negative) {
            (Modifier::From, false) => &mut self.from,
            (Modifier::From, true) => &mut self.not_from,
            (Modifier::In, false) => &mut self.within,
            (Modifier::In, true) => &mut self.not_within,
            (Modifier::Extension, false) => &mut self.extensions,
            (Modifier::Extension, true) => &mut self.not_extensions,
            (Modifier::Before | Modifier::After | Modifier::On, _) => {
                return self.add_times(modifier, is_negative, value, offset_s);
            }
        };
        if !value.is_empty() {
            names.push(value.to_lowercase());
        }
    }

    fn add_times(&mut self, modifier: Modifier, is_negative: bool, value: &str, offset_s: i64) {
        // What is no date is ignored.
        let Some(start) = start_of_day(value, offset_s) else {
            return;
        };
        let end = start + DAY_MS;
        let times = match modifier {
            Modifier::Before => (i64::MIN, start),
            Modifier::After => (end, i64::MAX),
            _ => (start, end),
        };
        if is_negative {
            self.not_times.push(times);
        } else {
            self.times.push(times);
        }
    }

    /// Whether it asks for nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Query::default()
    }

    /// Whether a time is one of those that it asks for.
    #[must_use]
    pub fn is_at(&self, at_ms: i64) -> bool {
        let is_in = |(start, end): &(i64, i64)| (*start..*end).contains(&at_ms);
        self.times.iter().all(is_in) && !self.not_times.iter().any(is_in)
    }
}

/// A word without quotation marks.
fn term(word: &str) -> Term {
    let text = word.trim_end_matches('*');
    let is_prefix = text.len() < word.len();
    let tag = text.strip_prefix('#').map(|tag| {
        tag.trim_end_matches(|end: char| end.is_ascii_punctuation())
            .to_string()
    });
    let is_tag = |tag: &String| tag.chars().next().is_some_and(|it| !it.is_ascii_digit());
    match tag.filter(is_tag) {
        Some(tag) => Term::Hashtag { tag, is_prefix },
        None => Term::Words {
            text: text.to_string(),
            is_prefix,
        },
    }
}

/// The start of a day written as `YYYY-MM-DD`, in ms since the Unix epoch.
fn start_of_day(value: &str, offset_s: i64) -> Option<i64> {
    let mut parts = value.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    let start = Offset::UTC.to_timestamp(date.to_datetime(Time::midnight()));
    let start = start.ok()?;
    let offset_s = offset_s.clamp(-OFFSET_S_MAX, OFFSET_S_MAX);
    Some(start.as_millisecond() - offset_s * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Term {
        Term::Words {
            text: text.to_string(),
            is_prefix: false,
        }
    }

    #[test]
    fn words_phrases_and_hashtags_are_told_apart() {
        let query = Query::parse(
            r##"one "two three" -four -"five six" sev* #eight #9 -#ten* """##,
            0,
        );
        let tag = |tag: &str, is_prefix| Term::Hashtag {
            tag: tag.to_string(),
            is_prefix,
        };
        let prefix = Term::Words {
            text: "sev".to_string(),
            is_prefix: true,
        };
        let wanted = [
            words("one"),
            words("two three"),
            prefix,
            tag("eight", false),
        ];
        assert_eq!(query.wanted.get(..4), Some(&wanted[..]));
        assert_eq!(query.wanted.get(4..), Some(&[words("#9"), words("")][..]));
        let unwanted = [words("four"), words("five six"), tag("ten", true)];
        assert_eq!(query.unwanted, unwanted);
    }

    #[test]
    fn modifiers_take_names_with_or_without_a_space() {
        let query = Query::parse(
            "from:Ann from: @bob -from:eve in:~Town -in:x EXT:pdf -ext: md a:b",
            0,
        );
        assert_eq!(query.from, ["ann", "@bob"]);
        assert_eq!(query.not_from, ["eve"]);
        assert_eq!(
            (query.within, query.not_within),
            (vec!["~town".to_string()], vec!["x".to_string()])
        );
        assert_eq!(
            (query.extensions, query.not_extensions),
            (vec!["pdf".to_string()], vec!["md".to_string()])
        );
        assert_eq!(query.wanted, [words("a:b")]);
    }

    #[test]
    fn days_are_those_of_the_callers_time_zone() {
        const FIRST: i64 = 1_767_225_600_000; // 2026-01-01, UTC
        let at = |text: &str, offset_s, at_ms| Query::parse(text, offset_s).is_at(at_ms);
        let cases: [(&str, i64, i64, bool); 12] = [
            ("on:2026-01-01", 0, FIRST, true),
            ("on:2026-1-1", 0, FIRST + DAY_MS - 1, true),
            ("on:2026-01-01", 0, FIRST + DAY_MS, false),
            ("on:2026-01-01", 3_600, FIRST - 1, true),
            ("on:2026-01-01", -3_600, FIRST, false),
            ("before:2026-01-01", 0, FIRST, false),
            ("before:2026-01-01", 0, FIRST - 1, true),
            ("after:2026-01-01", 0, FIRST + DAY_MS, true),
            ("after:2026-01-01", 0, FIRST + DAY_MS - 1, false),
            ("-after:2026-01-01", 0, FIRST + DAY_MS - 1, true),
            ("-on:2026-01-01", 0, FIRST, false),
            ("on:yesterday", 0, FIRST, true),
        ];
        for (text, offset_s, at_ms, expected) in cases {
            assert_eq!(
                at(text, offset_s, at_ms),
                expected,
                "{text} {offset_s} {at_ms}"
            );
        }
        assert!(!at("after:2025-12-30 before:2026-01-01", 0, FIRST));
    }

    #[test]
    fn a_query_without_anything_is_empty() {
        for text in ["", "  ", "from:", "on:never"] {
            assert!(Query::parse(text, 0).is_empty(), "{text}");
        }
        assert!(!Query::parse("-", 0).is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_within_bounds(text in "(?s)[-\"*#: a-z0-9@~\\PC]{0,400}", offset in any::<i64>()) {
            let query = Query::parse(&text, offset);
            let parts = query.wanted.len() + query.unwanted.len() + query.from.len()
                + query.within.len() + query.times.len();
            prop_assert!(parts <= TERMS_MAX);
        }
    }
}
