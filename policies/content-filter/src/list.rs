//! The list: reading it, and judging a text by it.

use std::fmt;

use causeway_policy_common::Way;
use causeway_policy_common::context::Direction;

use crate::budget::{Budget, Exceeded};
use crate::expression::Expression;
use crate::spans;
use crate::words::Phrases;

/// Maximum entries of a list, so that decisions stay cheap.
const ENTRIES_MAX: usize = 10_000;

/// Maximum expressions among them: each is a search of its own through every text.
const EXPRESSIONS_MAX: usize = 50;

/// A parsed list.
#[derive(Debug, Default)]
pub struct List {
    phrases: Phrases<Section>,
    /// Each with its section and line number.
    expressions: Vec<(Section, usize, Expression)>,
    /// The sections that have entries.
    sections: Vec<Section>,
    entries: usize,
}

/// What the entries of a section apply to, and what they do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Section {
    /// `None` = both ways.
    way: Option<Way>,
    mode: Mode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Deny,
    Mask,
}

/// What is found in a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'l> {
    /// Nothing.
    Nothing,
    /// Something for which the post is denied.
    Denied(Offence<'l>),
    /// The text with everything masked that is to be masked.
    Masked(String),
}

/// What a post is denied for.
#[derive(Debug, PartialEq, Eq)]
pub enum Offence<'l> {
    /// An entry, as the admin wrote it.
    Words(&'l str),
    /// The expression in this line, counted from 1.
    Expression(usize),
}

/// Why a list cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub struct ListError {
    /// The line number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
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
        let mut section = Section::default();
        for (line, text) in (1..).zip(settings.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let fail = |what| ListError { line, what };
            if text.starts_with('[') {
                section = Section::parse(text).ok_or_else(|| fail(Section::EXPECTED.into()))?;
            } else {
                list.add(section, line, text).map_err(fail)?;
            }
        }
        Ok(list)
    }

    fn add(&mut self, section: Section, line: usize, text: &str) -> Result<(), String> {
        if self.entries >= ENTRIES_MAX {
            return Err(format!("a list may have at most {ENTRIES_MAX} entries"));
        }
        if text.starts_with('/') {
            if self.expressions.len() >= EXPRESSIONS_MAX {
                return Err(format!(
                    "a list may have at most {EXPRESSIONS_MAX} expressions"
                ));
            }
            let expression = Expression::compile(text)?;
            self.expressions.push((section, line, expression));
        } else {
            self.phrases.add(section, text)?;
        }
        if !self.sections.contains(&section) {
            self.sections.push(section);
        }
        self.entries += 1;
        Ok(())
    }

    /// What judging a post may cost beyond one search of so many bytes for each expression for its direction.
    ///
    /// # Errors
    /// If these searches alone would cost too much.
    pub fn budget(&self, direction: Direction, bytes: usize) -> Result<Budget, Exceeded> {
        let expressions = self.expressions.iter();
        let applied = expressions.filter(|(section, ..)| section.mode_for(direction).is_some());
        let mut budget = Budget::default();
        budget.spend(applied.count().saturating_mul(bytes))?;
        Ok(budget)
    }

    /// Judges a text by the entries for a direction. A denial precedes masks.
    ///
    /// # Errors
    /// If that costs more than the budget of the post.
    pub fn judge(
        &self,
        direction: Direction,
        text: &str,
        budget: &mut Budget,
    ) -> Result<Found<'_>, Exceeded> {
        let mut masked = Vec::new();
        for hit in self.phrases.find(text, budget)? {
            for entry in hit.entries {
                match entry.kind.mode_for(direction) {
                    Some(Mode::Deny) => {
                        return Ok(Found::Denied(Offence::Words(&entry.text)));
                    }
                    Some(Mode::Mask) => masked.push(hit.place.clone()),
                    None => {}
                }
            }
        }
        for (section, line, expression) in &self.expressions {
            match section.mode_for(direction) {
                Some(Mode::Deny) if expression.is_match(text) => {
                    return Ok(Found::Denied(Offence::Expression(*line)));
                }
                Some(Mode::Mask) => masked.extend(expression.find(text, budget)?),
                _ => {}
            }
        }
        Ok(spans::mask(text, masked).map_or(Found::Nothing, Found::Masked))
    }

    /// What the list does, in words.
    pub fn in_words(&self) -> Vec<String> {
        self.sections.iter().map(|it| it.in_words()).collect()
    }
}

impl Section {
    const EXPECTED: &str = "a section must be [both], [inbound] or [outbound], or one of them with mask or deny, e.g. [inbound mask]";

    fn parse(text: &str) -> Option<Section> {
        let inner = text.strip_prefix('[')?.strip_suffix(']')?;
        let inner = inner.to_ascii_lowercase();
        let mut words = inner.split_whitespace();
        let way = match words.next()? {
            "both" => None,
            "inbound" => Some(Way::Inbound),
            "outbound" => Some(Way::Outbound),
            _ => return None,
        };
        let mode = match words.next() {
            None | Some("deny") => Mode::Deny,
            Some("mask") => Mode::Mask,
            Some(_) => return None,
        };
        words.next().is_none().then_some(Section { way, mode })
    }

    /// What its entries do to posts of a direction; `None` = nothing.
    fn mode_for(self, direction: Direction) -> Option<Mode> {
        let applies = self.way.is_none_or(|way| way.is(direction));
        applies.then_some(self.mode)
    }

    fn in_words(self) -> String {
        let way = match self.way {
            None => "exchanged with",
            Some(Way::Inbound) => "that come from",
            Some(Way::Outbound) => "that go to",
        };
        match self.mode {
            Mode::Deny => {
                format!(
                    "Posts {way} connected workspaces are held back if they contain certain words."
                )
            }
            Mode::Mask => {
                format!(
                    "In posts {way} connected workspaces, certain words are replaced by asterisks."
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::STEPS_MAX;

    fn list(settings: &str) -> List {
        List::parse(settings).unwrap()
    }

    fn judge<'l>(list: &'l List, direction: Direction, text: &str) -> Found<'l> {
        let judged = list.judge(direction, text, &mut Budget::default());
        judged.unwrap()
    }

    #[test]
    fn sections_bind_entries_to_a_direction() {
        let list = list("all\n[Outbound]\nout\n[inbound]\nin\n/[0-9]/\n[both]\nalso\n");
        let (inbound, outbound) = (Direction::Inbound, Direction::Outbound);
        let found = |direction, message| judge(&list, direction, message) != Found::Nothing;
        assert!(found(inbound, "all") && found(outbound, "all"));
        assert!(found(inbound, "also") && found(outbound, "also"));
        assert!(!found(inbound, "out") && found(outbound, "out"));
        assert!(found(inbound, "in") && !found(outbound, "in"));
        assert!(found(inbound, "7") && !found(outbound, "7"));
    }

    #[test]
    fn comments_and_empty_lines_mean_nothing() {
        assert_eq!(list("# falcon\n\n   \n").entries, 0);
        assert_eq!(
            judge(&list(""), Direction::Inbound, "anything"),
            Found::Nothing
        );
    }

    #[test]
    fn a_line_that_cannot_be_meant_is_refused_with_its_number() {
        let refused = |settings: &str| List::parse(settings).unwrap_err();
        assert_eq!(refused("one\n[sideways]\n").line, 2);
        assert_eq!(refused("[both hide]").what, refused("[mask]").what);
        assert_eq!(refused("[both mask deny]").what, refused("[both mask").what);
        assert_eq!(refused("c++").what, refused("one.two").what);
        assert_eq!(refused("# ok\n\n- -").line, 3);
        assert_eq!(refused("ok\n/(a{99}){99}/").line, 2);
        assert_eq!(refused(&"x".repeat(201)).line, 1);
        assert!(List::parse(&"x".repeat(200)).is_ok());
        let many = "word\n".repeat(ENTRIES_MAX + 1);
        assert_eq!(refused(&many).line, ENTRIES_MAX + 1);
        let many = "/x/\n".repeat(EXPRESSIONS_MAX + 1);
        assert_eq!(refused(&many).line, EXPRESSIONS_MAX + 1);
    }

    #[test]
    fn how_long_a_post_may_be_depends_on_the_expressions_for_its_direction() {
        let list = list("word\n/a/\n[inbound]\n/b/\n");
        let can_search = |direction, bytes| list.budget(direction, bytes).is_ok();
        assert!(can_search(Direction::Outbound, STEPS_MAX));
        assert!(!can_search(Direction::Outbound, STEPS_MAX + 1));
        assert!(can_search(Direction::Inbound, STEPS_MAX / 2));
        assert!(!can_search(Direction::Inbound, STEPS_MAX / 2 + 1));
        let empty = List::default();
        assert!(empty.budget(Direction::Inbound, usize::MAX).is_ok());
    }

    #[test]
    fn rules_in_words_name_no_entry() {
        let words = list("falcon\n[inbound]\n[outbound mask]\nsalary\n/7/\n").in_words();
        assert_eq!(
            words,
            [
                "Posts exchanged with connected workspaces are held back if they contain certain words.",
                "In posts that go to connected workspaces, certain words are replaced by asterisks.",
            ]
        );
        assert!(list("").in_words().is_empty());
    }
}
