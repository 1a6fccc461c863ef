//! Regular expressions, each search for which takes linear time.

use std::ops::Range;

use regex_lite::{Regex, RegexBuilder};

use crate::budget::{Budget, Exceeded};

/// Maximum bytes of an expression.
const SOURCE_BYTES_MAX: usize = 500;

/// Maximum bytes that an expression may take when compiled: some hundred states, each of which may be visited
/// for each character of a text.
const COMPILED_BYTES_MAX: usize = 16 << 10;

/// Compiles the expression between the slashes of a line.
///
/// # Errors
/// What is wrong with it.
pub fn compile(line: &str) -> Result<Regex, String> {
    let source = line
        .strip_prefix('/')
        .and_then(|rest| rest.strip_suffix('/'));
    let source = source
        .filter(|source| !source.is_empty())
        .ok_or("an expression must be between two slashes")?;
    if source.len() > SOURCE_BYTES_MAX {
        return Err("an expression may have at most 500 bytes".into());
    }
    let expression = RegexBuilder::new(source)
        .size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| format!("the expression cannot be used: {error}"))?;
    if expression.is_match("") {
        return Err("the expression also matches where there is nothing".into());
    }
    Ok(expression)
}

/// All matches in a text. The first search is taken to be paid; each further one costs the bytes after the match
/// that it follows: for a longer match than those that it finds, an expression may have to look at all of them.
///
/// # Errors
/// If that takes more steps than are left.
pub fn find(
    expression: &Regex,
    text: &str,
    budget: &mut Budget,
) -> Result<Vec<Range<usize>>, Exceeded> {
    let mut places = Vec::new();
    for found in expression.find_iter(text) {
        budget.spend(text.len().saturating_sub(found.end()))?;
        places.push(found.range());
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_or_would_explode_is_refused() {
        let refused = |line: &str| compile(line).unwrap_err();
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
        let long = |bytes| compile(&format!("/{}/", "a".repeat(bytes)));
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
            assert!(compile(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn the_time_is_linear() {
        // Engines that track back take longer for this than the test may.
        let expression = compile("/(x+x+)+y/").unwrap();
        assert!(!expression.is_match(&"x".repeat(20_000)));
    }

    #[test]
    fn each_further_search_costs_what_is_left_of_the_text() {
        let expression = compile("/[0-9]+x|[0-9]/").unwrap();
        let mut budget = Budget::default();
        let found = find(&expression, "1 22x 333 y", &mut budget).unwrap();
        assert_eq!(found, [0..1, 2..5, 6..7, 7..8, 8..9]);
        assert_eq!(budget.spent(), 10 + 6 + 4 + 3 + 2);
    }

    #[test]
    fn matches_that_would_take_quadratic_time_exceed_the_budget() {
        // Each digit is a match only after all others have been looked at.
        let expression = compile("/[0-9]+x|[0-9]/").unwrap();
        let find = |bytes| find(&expression, &"1".repeat(bytes), &mut Budget::default());
        assert_eq!(find(800).map(|found| found.len()), Ok(800));
        assert_eq!(find(900), Err(Exceeded));
    }
}
