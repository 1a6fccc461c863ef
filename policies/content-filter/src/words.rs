//! Words and phrases, and finding them in a text.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::budget::{Budget, Exceeded};

/// Maximum bytes of a phrase; a longer line is more likely a mistake than one.
const PHRASE_BYTES_MAX: usize = 200;

/// Phrases as a tree of words, so that the time of finding them hardly grows with how many there are.
#[derive(Debug)]
pub struct Phrases<K> {
    root: Node<K>,
}

/// Where phrases that begin with the same words go on.
#[derive(Debug)]
struct Node<K> {
    /// By the next word, in lower case.
    next: BTreeMap<String, Node<K>>,
    /// The entries that end here, of each kind the first.
    entries: Vec<Entry<K>>,
}

/// A phrase of the list.
#[derive(Debug)]
pub struct Entry<K> {
    /// What the caller distinguishes entries by.
    pub kind: K,
    /// The phrase as it was added.
    pub text: String,
}

/// A place where a phrase is in a text.
#[derive(Debug)]
pub struct Hit<'p, K> {
    /// Its entries, of different kinds; never empty.
    pub entries: &'p [Entry<K>],
    /// The bytes of the text.
    pub place: Range<usize>,
}

impl<K> Default for Phrases<K> {
    fn default() -> Phrases<K> {
        Phrases {
            root: Node::default(),
        }
    }
}

impl<K> Default for Node<K> {
    fn default() -> Node<K> {
        Node {
            next: BTreeMap::new(),
            entries: Vec::new(),
        }
    }
}

impl<K: PartialEq> Phrases<K> {
    /// Adds a phrase. If it has been added as the same kind, nothing changes.
    ///
    /// # Errors
    /// If the text cannot be meant as one.
    pub fn add(&mut self, kind: K, text: &str) -> Result<(), &'static str> {
        if text.len() > PHRASE_BYTES_MAX {
            return Err("an entry may have at most 200 bytes");
        }
        // Other punctuation would be ignored, so that "c++" would deny every "c".
        let is_plain = |byte| is_of_word(byte) || matches!(byte, b' ' | b'\t' | b'-' | b'\'');
        if !text.bytes().all(is_plain) {
            return Err(
                "an entry may only contain letters, digits, spaces, \"_\", \"-\" and \"'\"",
            );
        }
        let lower = text.to_ascii_lowercase();
        let mut words = Words::of(&lower).peekable();
        if words.peek().is_none() {
            return Err("an entry must have at least one letter or digit");
        }
        let end = words.fold(&mut self.root, |node, (word, _)| {
            node.next.entry(word.to_owned()).or_default()
        });
        if end.entries.iter().all(|entry| entry.kind != kind) {
            let text = text.to_owned();
            end.entries.push(Entry { kind, text });
        }
        Ok(())
    }

    /// Every place where a phrase is in a text, in the order of their beginnings, shorter ones first. Each word of a
    /// phrase that is found is a step, from wherever it begins: a text may repeat the beginning of a long one
    /// at each of its words.
    ///
    /// # Errors
    /// If that takes more steps than are left.
    pub fn find(&self, text: &str, budget: &mut Budget) -> Result<Vec<Hit<'_, K>>, Exceeded> {
        let lower = text.to_ascii_lowercase();
        let words: Vec<(&str, Range<usize>)> = Words::of(&lower).collect();
        let mut hits = Vec::new();
        for (at, (_, first)) in words.iter().enumerate() {
            let mut node = &self.root;
            for (word, place) in words.iter().skip(at) {
                let Some(reached) = node.next.get(*word) else {
                    break;
                };
                budget.spend(1)?;
                node = reached;
                if !node.entries.is_empty() {
                    hits.push(Hit {
                        entries: &node.entries,
                        place: first.start..place.end,
                    });
                }
            }
        }
        Ok(hits)
    }
}

/// The words of a text, with their bytes in it. All non-ASCII characters count as part of a word: which of them are
/// letters depends on the Unicode version.
struct Words<'t> {
    text: &'t str,
    /// Where the next word is looked for: at the boundary of a character.
    at: usize,
}

impl<'t> Words<'t> {
    fn of(text: &'t str) -> Words<'t> {
        Words { text, at: 0 }
    }
}

impl<'t> Iterator for Words<'t> {
    type Item = (&'t str, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let begin = self.at + rest.iter().position(|byte| is_of_word(*byte))?;
        let rest = self.text.as_bytes().get(begin..)?;
        let length = rest.iter().position(|byte| !is_of_word(*byte));
        self.at = begin + length.unwrap_or(rest.len());
        Some((self.text.get(begin..self.at)?, begin..self.at))
    }
}

/// Whether a byte belongs to a word; of a character that is not ASCII all do.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrases(texts: &[&str]) -> Phrases<()> {
        let mut phrases = Phrases::default();
        for text in texts {
            phrases.add((), text).unwrap();
        }
        phrases
    }

    /// The entries that are found, with their places.
    fn found<'p>(phrases: &'p Phrases<()>, text: &str) -> Vec<(&'p str, Range<usize>)> {
        let hits = phrases.find(text, &mut Budget::default()).unwrap();
        let found = hits.into_iter().flat_map(|hit| {
            let texts = hit.entries.iter().map(|entry| entry.text.as_str());
            texts.map(move |text| (text, hit.place.clone()))
        });
        found.collect()
    }

    /// What is found first.
    fn first<'p>(phrases: &'p Phrases<()>, text: &str) -> Option<&'p str> {
        found(phrases, text).first().map(|(text, _)| *text)
    }

    #[test]
    fn whole_words_are_found_whatever_their_capitals() {
        let list = phrases(&["salary"]);
        for message in [
            "salary",
            "Your SALARY, please",
            "(Salary)",
            "*salary*",
            "a\nsalary",
        ] {
            assert_eq!(first(&list, message), Some("salary"), "{message}");
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
            assert_eq!(first(&list, message), None, "{message}");
        }
    }

    #[test]
    fn phrases_are_found_across_spaces_and_punctuation() {
        let list = phrases(&["Project Falcon", "project\tx-ray 7"]);
        for message in [
            "project falcon",
            "the PROJECT:\n falcon!",
            "project project falcon",
        ] {
            assert_eq!(first(&list, message), Some("Project Falcon"), "{message}");
        }
        assert_eq!(first(&list, "falcon project"), None);
        assert_eq!(first(&list, "project falcons"), None);
        assert_eq!(first(&list, "project"), None);
        assert_eq!(first(&list, "Project X-ray 7"), Some("project\tx-ray 7"));
    }

    #[test]
    fn every_place_is_found_with_what_separates_its_words() {
        let list = phrases(&["b", "b c", "ö"]);
        assert_eq!(
            found(&list, "a b,  C ö b"),
            [("b", 2..3), ("b c", 2..7), ("ö", 8..10), ("b", 11..12)]
        );
    }

    #[test]
    fn letters_beyond_ascii_are_compared_as_they_are() {
        let list = phrases(&["gehälter", "зарплата"]);
        assert_eq!(first(&list, "Die GEHäLTER steigen"), Some("gehälter"));
        assert_eq!(first(&list, "GEHÄLTER"), None);
        assert_eq!(first(&list, "моя зарплата."), Some("зарплата"));
    }

    #[test]
    fn a_phrase_is_kept_once_for_each_kind() {
        let mut list = Phrases::default();
        for (kind, text) in [(1, "a b"), (2, "A-B"), (1, "a  b")] {
            list.add(kind, text).unwrap();
        }
        let hits = list.find("x a b", &mut Budget::default()).unwrap();
        let [hit] = hits.as_slice() else {
            panic!("{hits:?}")
        };
        let entries = hit.entries.iter();
        let entries: Vec<_> = entries.map(|it| (it.kind, it.text.as_str())).collect();
        assert_eq!(entries, [(1, "a b"), (2, "A-B")]);
    }

    #[test]
    fn how_many_entries_begin_the_same_costs_nothing() {
        let mut list = Phrases::default();
        for number in 0..10_000 {
            list.add((), &format!("project project {number}")).unwrap();
        }
        let mut budget = Budget::default();
        let words = 30_000;
        let hits = list.find(&"project ".repeat(words), &mut budget).unwrap();
        assert!(hits.is_empty());
        assert_eq!(budget.spent(), 2 * words - 1);
    }

    #[test]
    fn a_text_that_begins_a_long_phrase_at_each_word_exceeds_the_budget() {
        let list = phrases(&["a ".repeat(99).trim()]);
        let find = |text: &str| list.find(text, &mut Budget::default());
        assert_eq!(find(&"a ".repeat(4_000)).unwrap().len(), 4_000 - 98);
        assert_eq!(find(&"a ".repeat(5_000)).unwrap_err(), Exceeded);
    }
}
