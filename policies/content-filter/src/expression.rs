//! Regular expressions, each search for which takes linear time.

use std::ops::Range;

use regex_lite::{Regex, RegexBuilder};

use crate::budget::{Budget, Exceeded};

/// Maximum bytes of an expression.
const SOURCE_BYTES_MAX: usize = 500;

/// Maximum bytes that an expression may take when compiled: some hundred states, each of which may be visited
/// for each character of a text.
const COMPILED_BYTES_MAX: usize = 16 << 10;

/// A regular expression.
#[derive(Debug)]
pub struct Expression {
    regex: Regex,
    /// What every match begins with; empty if that is not known. To look for it first takes a small part of the
    /// time of a search, and most texts do not contain it.
    prefix: String,
}

impl Expression {
    /// Compiles the expression between the slashes of a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn compile(line: &str) -> Result<Expression, String> {
        let source = line
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'));
        let source = source
            .filter(|source| !source.is_empty())
            .ok_or("an expression must be between two slashes")?;
        if source.len() > SOURCE_BYTES_MAX {
            return Err("an expression may have at most 500 bytes".into());
        }
        let regex = RegexBuilder::new(source)
            .size_limit(COMPILED_BYTES_MAX)
            .build()
            .map_err(|error| format!("the expression cannot be used: {error}"))?;
        if regex.is_match("") {
            return Err("the expression also matches where there is nothing".into());
        }
        let prefix = literal_prefix(source).to_owned();
        Ok(Expression { regex, prefix })
    }

    /// Whether it matches anywhere in a text.
    pub fn is_match(&self, text: &str) -> bool {
        text.contains(&self.prefix) && self.regex.is_match(text)
    }

    /// All matches in a text. The first search is taken to be paid; each further one costs the bytes after the match
    /// that it follows: for a longer match than those that it finds, an expression may have to look at all of them.
    ///
    /// # Errors
    /// If that takes more steps than are left.
    pub fn find(&self, text: &str, budget: &mut Budget) -> Result<Vec<Range<usize>>, Exceeded> {
        let mut places = Vec::new();
        if !text.contains(&self.prefix) {
            return Ok(places);
        }
        for found in self.regex.find_iter(text) {
            budget.spend(text.len().saturating_sub(found.end()))?;
            places.push(found.range());
        }
        Ok(places)
    }
}

/// The plain characters that an expression begins with, if they begin each of its matches. The last one does not
/// count if it may be repeated or missing.
fn literal_prefix(source: &str) -> &str {
    // Which of the alternatives stands at the outermost level is not looked at.
    if source.contains('|') {
        return "";
    }
    let is_special = |c: char| {
        matches!(
            c,
            '\\' | '.' | '^' | '$' | '(' | ')' | '[' | ']' | '{' | '}' | '*' | '+' | '?'
        )
    };
    let (plain, rest) = source.split_at(source.find(is_special).unwrap_or(source.len()));
    if rest.starts_with(['*', '+', '?', '{']) {
        let mut plain = plain.chars();
        plain.next_back();
        return plain.as_str();
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_or_would_explode_is_refused() {
        let refused = |line: &str| Expression::compile(line).unwrap_err();
        assert!(refused("/").contains("two slashes"));
        assert!(refused("//").contains("two slashes"));
        assert!(refused("/abc").contains("two slashes"));
        assert!(refused("/(abc/").contains("cannot be used"));
        assert!(refused(r"/(a)\1/").contains("cannot be used"));
        assert!(refused("/a*/").contains("where there is nothing"));
        assert!(refused("/((a{100}){100}){100}/").contains("size"));
        assert!(refused("/(((((a{9}){9}){9}){9}){9}){9}/").contains("size"));
        let deep = format!("/{}a{}/", "(".repeat(100), ")".repeat(100));
        assert!(refused(&deep).contains("nest"), "{}", refused(&deep));
        let long = |bytes| Expression::compile(&format!("/{}/", "a".repeat(bytes)));
        assert!(long(SOURCE_BYTES_MAX).is_ok());
        assert!(long(SOURCE_BYTES_MAX + 1).is_err());
    }

    #[test]
    fn ordinary_expressions_fit() {
        for line in [
            "/[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+/",
            r"/\b[0-9]{4}([ -]?[0-9]{4}){3}\b/",
            "/(?i)project[- ](falcon|eagle)/",
            "/a/b/",
        ] {
            assert!(Expression::compile(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn the_time_is_linear() {
        // Engines that track back take longer for this than the test may.
        let expression = Expression::compile("/(x+x+)+y/").unwrap();
        assert!(!expression.is_match(&"x".repeat(20_000)));
    }

    #[test]
    fn each_further_search_costs_what_is_left_of_the_text() {
        let expression = Expression::compile("/[0-9]+x|[0-9]/").unwrap();
        let mut budget = Budget::default();
        let found = expression.find("1 22x 333 y", &mut budget).unwrap();
        assert_eq!(found, [0..1, 2..5, 6..7, 7..8, 8..9]);
        assert_eq!(budget.spent(), 10 + 6 + 4 + 3 + 2);
    }

    #[test]
    fn matches_that_would_take_quadratic_time_exceed_the_budget() {
        // Each digit is a match only after all others have been looked at.
        let expression = Expression::compile("/[0-9]+x|[0-9]/").unwrap();
        let find = |bytes| expression.find(&"1".repeat(bytes), &mut Budget::default());
        assert_eq!(find(800).map(|found| found.len()), Ok(800));
        assert_eq!(find(900), Err(Exceeded));
    }

    #[test]
    fn what_a_match_begins_with_is_known_of_plain_beginnings_only() {
        let prefix = |source: &str| literal_prefix(source).to_owned();
        assert_eq!(prefix("ACME-[0-9]{6}"), "ACME-");
        assert_eq!(prefix("straße.*"), "straße");
        for (source, expected) in [("abc*d", "ab"), ("abß?", "ab"), ("ab{0}c", "a"), ("a+", "")] {
            assert_eq!(prefix(source), expected, "{source}");
        }
        for source in ["a|b", "ab(c|d)", "(?i)abc", "^abc", r"\babc", "[a]b", ""] {
            assert_eq!(prefix(source), "", "{source}");
        }
    }

    #[test]
    fn the_beginning_of_matches_does_not_change_which_there_are() {
        let texts = [
            "ACME-123456",
            "acme-1",
            "ab",
            "xaby",
            "abbbb",
            "a",
            "",
            "straße 7",
            "strasse",
        ];
        for source in [
            "ACME-[0-9]+",
            "ab*",
            "ab?y",
            "a{2}",
            "straße .",
            "b|y",
            "(?i)acme-.",
        ] {
            let expression = Expression::compile(&format!("/{source}/")).unwrap();
            for text in texts {
                let plain: Vec<_> = expression
                    .regex
                    .find_iter(text)
                    .map(|it| it.range())
                    .collect();
                let found = expression.find(text, &mut Budget::default()).unwrap();
                assert_eq!(found, plain, "{source} in {text}");
                assert_eq!(
                    expression.is_match(text),
                    !plain.is_empty(),
                    "{source} in {text}"
                );
            }
        }
    }
}
