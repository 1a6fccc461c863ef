//! Patterns as shells have them.

use serde::Deserialize;

/// Maximum bytes of a pattern.
const PATTERN_BYTES_MAX: usize = 100;

/// A pattern: `*` stands for any number of characters, `?` for one, everything else for itself, ASCII letters
/// for those of either case.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(Vec<char>);

impl TryFrom<String> for Pattern {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Pattern, &'static str> {
        if text.is_empty() || text.len() > PATTERN_BYTES_MAX {
            return Err("a pattern must have 1 to 100 bytes");
        }
        Ok(Pattern(folded(&text)))
    }
}

/// The characters of a text with ASCII letters in lower case, as [`Pattern::matches`] takes them.
pub fn folded(text: &str) -> Vec<char> {
    text.chars().map(|c| c.to_ascii_lowercase()).collect()
}

impl Pattern {
    /// Whether the whole text matches. Only the last asterisk is ever tried again, so the time is at most the
    /// text's length times the pattern's.
    pub fn matches(&self, text: &[char]) -> bool {
        let (mut at, mut seen) = (0, 0);
        // After the last asterisk: where the pattern goes on, and how much of the text it stands for.
        let mut again: Option<(usize, usize)> = None;
        while let Some(&c) = text.get(seen) {
            match self.0.get(at) {
                Some('*') => {
                    at += 1;
                    again = Some((at, seen));
                }
                Some(&expected) if expected == '?' || expected == c => {
                    at += 1;
                    seen += 1;
                }
                _ => {
                    let Some((after, stands_for)) = again else {
                        return false;
                    };
                    again = Some((after, stands_for + 1));
                    (at, seen) = (after, stands_for + 1);
                }
            }
        }
        let mut rest = self.0.iter().skip(at);
        rest.all(|&c| c == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::try_from(pattern.to_owned())
            .unwrap()
            .matches(&folded(text))
    }

    #[test]
    fn asterisks_and_question_marks_stand_for_characters() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "anything"),
            ("**", ""),
            ("a", "A"),
            ("A?c", "aBC"),
            ("?", "ü"),
            ("*.txt", "a.b.TXT"),
            ("*.txt", ".txt"),
            ("a*", "a"),
            ("*ab*ab", "ababab"),
            ("*a?c*", "xxaacabc"),
            ("image/*", "image/png"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("?", ""),
            ("?", "ab"),
            ("a", "ab"),
            ("a", "ba"),
            ("*.txt", "a.txt.exe"),
            ("*.txt", "atxt"),
            ("*ab*ab", "ab"),
            ("ü", "Ü"),
            ("image/*", "text/plain"),
            ("image/*", ""),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn many_asterisks_take_no_longer_than_few() {
        // With backtracking through all of them this would take longer than the test may.
        let pattern = "*a".repeat(45) + "b";
        assert!(!matches(&pattern, &"a".repeat(100_000)));
    }

    #[test]
    fn a_pattern_is_neither_empty_nor_long() {
        assert!(Pattern::try_from(String::new()).is_err());
        assert!(Pattern::try_from("x".repeat(PATTERN_BYTES_MAX)).is_ok());
        assert!(Pattern::try_from("x".repeat(PATTERN_BYTES_MAX + 1)).is_err());
    }
}
