//! The decision.

/// Whether a text contains a word, whatever the case of its ASCII letters.
pub fn contains(text: &str, word: &str) -> bool {
    text.to_ascii_lowercase()
        .contains(&word.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_case_of_letters_does_not_matter() {
        assert!(contains("a FALCON!", "falcon"));
        assert!(contains("a falcon!", "Falcon"));
        assert!(!contains("a fal con", "falcon"));
    }
}
