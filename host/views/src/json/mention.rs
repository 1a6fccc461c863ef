//! Who a text mentions, by ASCII rules alone. Client API §7.1.

/// Words that mention everybody who reads the channel.
const EVERYBODY: [&str; 3] = ["all", "channel", "here"];

/// Whether a text mentions a user: `@name`, in any ASCII case, or everybody of the channel.
/// The longest name wins: `@ann.b` does not mention `ann`, `@ann.` does.
#[must_use]
pub fn mentions(message: &str, username: &str) -> bool {
    let mut rest = message;
    let mut before = ' ';
    while let Some(at) = rest.find('@') {
        before = rest
            .get(..at)
            .and_then(|head| head.chars().next_back())
            .unwrap_or(before);
        rest = rest.get(at + 1..).unwrap_or_default();
        let end = rest
            .find(|c: char| !is_name_character(c))
            .unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        // An address such as ann@example.com is no mention.
        if !before.is_ascii_alphanumeric() && names(word, username) {
            return true;
        }
        before = '@';
    }
    false
}

fn names(word: &str, username: &str) -> bool {
    let mut word = word;
    loop {
        let everybody = EVERYBODY
            .iter()
            .any(|everybody| word.eq_ignore_ascii_case(everybody));
        if everybody || (!word.is_empty() && word.eq_ignore_ascii_case(username)) {
            return true;
        }
        // Punctuation behind a name may belong to the sentence.
        match word.strip_suffix(['.', '-', '_', ':']) {
            Some(shorter) => word = shorter,
            None => return false,
        }
    }
}

fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_' | ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whatever_stands_around_them() {
        for text in [
            "@ann",
            "hi @Ann!",
            "(@ann)",
            "@ann.",
            "@ann: look",
            "x @bob @ann",
            "@@ann",
        ] {
            assert!(mentions(text, "ann"), "{text}");
        }
        for text in ["ann", "@anna", "@ann.b", "mail ann@ann", "@", "", "@an n"] {
            assert!(!mentions(text, "ann"), "{text}");
        }
    }

    #[test]
    fn everybody_is_everybody() {
        assert!(mentions("@channel: lunch", "ann"));
        assert!(mentions("lunch, @HERE", "ann"));
        assert!(!mentions("@hereby", "ann"));
    }

    #[test]
    fn remote_names_hold_a_colon() {
        assert!(mentions("@ann:acme, hello", "ann:acme"));
        assert!(!mentions("@ann:acme, hello", "ann"));
    }
}
