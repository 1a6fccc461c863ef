//! The list of words and phrases, and matching.

use std::collections::BTreeMap;
use std::fmt;

/// Maximum entries of a list, so that decisions stay cheap.
const ENTRIES_MAX: usize = 10_000;

/// Maximum bytes of an entry; a longer line is more likely a mistake than a phrase.
const ENTRY_BYTES_MAX: usize = 200;

/// The direction of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Into this workspace.
    Inbound,
    /// Out of it.
    Outbound,
}

/// A parsed list.
#[derive(Debug, Default)]
pub struct List {
    /// Entries by their first word.
    by_first_word: BTreeMap<String, Vec<Entry>>,
    entries: usize,
}

#[derive(Debug)]
struct Entry {
    /// Its words, in lower case; never empty.
    words: Vec<String>,
    /// `None` = both ways.
    way: Option<Way>,
    /// As the admin wrote it.
    text: String,
}

/// Why a list cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub struct ListError {
    /// The line number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl List {
    /// Parses a list.
    ///
    /// # Errors
    /// The first line that is not an entry, a section or a comment.
    pub fn parse(settings: &str) -> Result<List, ListError> {
        let mut list = List::default();
        let mut way = None;
        for (line, text) in (1..).zip(settings.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let fail = |what| ListError { line, what };
            if text.starts_with('[') {
                way = section(text)
                    .ok_or_else(|| fail("a section must be [both], [inbound] or [outbound]"))?;
            } else {
                list.add(way, text).map_err(fail)?;
            }
        }
        Ok(list)
    }

    fn add(&mut self, way: Option<Way>, text: &str) -> Result<(), &'static str> {
        if text.len() > ENTRY_BYTES_MAX {
            return Err("an entry may have at most 200 bytes");
        }
        if self.entries >= ENTRIES_MAX {
            return Err("a list may have at most 10000 entries");
        }
        // Other punctuation would be ignored, so that "c++" would deny every "c".
        let is_plain = |c: char| is_of_word(c) || matches!(c, ' ' | '\t' | '-' | '\'');
        if !text.chars().all(is_plain) {
            return Err(
                "an entry may only contain letters, digits, spaces, \"_\", \"-\" and \"'\"",
            );
        }
        let words: Vec<String> = words(text).map(|word| word.to_ascii_lowercase()).collect();
        let first = words
            .first()
            .ok_or("an entry must have at least one letter or digit")?;
        self.by_first_word
            .entry(first.clone())
            .or_default()
            .push(Entry {
                words,
                way,
                text: text.to_owned(),
            });
        self.entries += 1;
        Ok(())
    }

    /// The first entry that the message contains, as the admin wrote it.
    pub fn find(&self, way: Way, message: &str) -> Option<&str> {
        let message: Vec<String> = words(message)
            .map(|word| word.to_ascii_lowercase())
            .collect();
        (0..message.len()).find_map(|at| {
            let rest = message.get(at..)?;
            let candidates = self.by_first_word.get(rest.first()?)?;
            let found = candidates.iter().find(|entry| {
                entry.way.is_none_or(|only| only == way) && rest.starts_with(&entry.words)
            });
            found.map(|entry| entry.text.as_str())
        })
    }
}

/// The direction of a section line; the outer `None` = unknown section.
fn section(text: &str) -> Option<Option<Way>> {
    match text.to_ascii_lowercase().as_str() {
        "[both]" => Some(None),
        "[inbound]" => Some(Some(Way::Inbound)),
        "[outbound]" => Some(Some(Way::Outbound)),
        _ => None,
    }
}

/// The words of a text. All non-ASCII characters count as part of a word: which of them are letters
/// depends on the Unicode version.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_of_word(c))
        .filter(|word| !word.is_empty())
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(settings: &str) -> List {
        List::parse(settings).unwrap()
    }

    #[test]
    fn whole_words_are_found_whatever_their_capitals() {
        let list = list("salary\n");
        for message in [
            "salary",
            "Your SALARY, please",
            "(Salary)",
            "*salary*",
            "a\nsalary",
        ] {
            assert_eq!(
                list.find(Way::Inbound, message),
                Some("salary"),
                "{message}"
            );
        }
        for message in [
            "",
            "salaryman",
            "salary_2",
            "desalary",
            "salär",
            "sälary",
            "ösalary",
        ] {
            assert_eq!(list.find(Way::Inbound, message), None, "{message}");
        }
    }

    #[test]
    fn phrases_are_found_across_spaces_and_punctuation() {
        let list = list("Project Falcon\nproject\tx-ray 7");
        for message in [
            "project falcon",
            "the PROJECT:\n falcon!",
            "project project falcon",
        ] {
            assert_eq!(
                list.find(Way::Outbound, message),
                Some("Project Falcon"),
                "{message}"
            );
        }
        assert_eq!(list.find(Way::Outbound, "falcon project"), None);
        assert_eq!(list.find(Way::Outbound, "project falcons"), None);
        assert_eq!(list.find(Way::Outbound, "project"), None);
        assert_eq!(
            list.find(Way::Outbound, "Project X-ray 7"),
            Some("project\tx-ray 7")
        );
    }

    #[test]
    fn sections_bind_entries_to_a_direction() {
        let list = list("all\n[Outbound]\nout\n[inbound]\nin\n[both]\nalso\n");
        let found = |way, message| list.find(way, message).is_some();
        assert!(found(Way::Inbound, "all") && found(Way::Outbound, "all"));
        assert!(found(Way::Inbound, "also") && found(Way::Outbound, "also"));
        assert!(!found(Way::Inbound, "out") && found(Way::Outbound, "out"));
        assert!(found(Way::Inbound, "in") && !found(Way::Outbound, "in"));
    }

    #[test]
    fn letters_beyond_ascii_are_compared_as_they_are() {
        let list = list("gehälter\nзарплата");
        assert_eq!(
            list.find(Way::Inbound, "Die GEHäLTER steigen"),
            Some("gehälter")
        );
        assert_eq!(list.find(Way::Inbound, "GEHÄLTER"), None);
        assert_eq!(list.find(Way::Inbound, "моя зарплата."), Some("зарплата"));
    }

    #[test]
    fn comments_and_empty_lines_mean_nothing() {
        assert_eq!(list("# falcon\n\n   \n").entries, 0);
        assert_eq!(list("").find(Way::Inbound, "anything"), None);
    }

    #[test]
    fn a_line_that_cannot_be_meant_is_refused_with_its_number() {
        let refused = |settings: &str| List::parse(settings).unwrap_err();
        assert_eq!(refused("one\n[sideways]\n").line, 2);
        assert_eq!(refused("c++").what, refused("one.two").what);
        assert_eq!(refused("# ok\n\n- -").line, 3);
        assert_eq!(refused(&"x".repeat(ENTRY_BYTES_MAX + 1)).line, 1);
        assert!(List::parse(&"x".repeat(ENTRY_BYTES_MAX)).is_ok());
        let many = "word\n".repeat(ENTRIES_MAX + 1);
        assert_eq!(refused(&many).line, ENTRIES_MAX + 1);
    }
}
