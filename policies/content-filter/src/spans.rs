//! Masking parts of a text.

use std::ops::Range;

/// A text in which every character of these parts is an asterisk; `None` if the parts are empty. They may
/// overlap, in any order.
pub fn mask(text: &str, mut parts: Vec<Range<usize>>) -> Option<String> {
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() {
        return None;
    }
    parts.sort_unstable_by_key(|part| part.start);
    let mut parts = parts.into_iter().peekable();
    let mut masked_to = 0;
    let masked = text.char_indices().map(|(at, c)| {
        while let Some(part) = parts.next_if(|part| part.start <= at) {
            masked_to = masked_to.max(part.end);
        }
        if at < masked_to { '*' } else { c }
    });
    Some(masked.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_of_a_part_becomes_an_asterisk() {
        let masked = |text, parts: &[(usize, usize)]| {
            let parts = parts.iter().map(|&(start, end)| start..end);
            mask(text, parts.collect())
        };
        assert_eq!(masked("abcdef", &[(1, 3)]).as_deref(), Some("a**def"));
        assert_eq!(
            masked("abcdef", &[(4, 6), (0, 1)]).as_deref(),
            Some("*bcd**")
        );
        let overlapping = [(0, 4), (1, 2), (3, 5)];
        assert_eq!(masked("abcdef", &overlapping).as_deref(), Some("*****f"));
        assert_eq!(masked("aäöb", &[(1, 5)]).as_deref(), Some("a**b"));
        assert_eq!(masked("abc", &[(1, 1)]), None);
        assert_eq!(masked("abc", &[]), None);
    }
}
